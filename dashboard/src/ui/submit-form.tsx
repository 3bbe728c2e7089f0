import { type FormEvent, type ReactNode, useMemo } from 'react';
import { Form } from 'react-aria-components';
import { ApiProblem, fieldMessages, messageOf, withoutWait } from '../api/problem.js';
import { Button, type ButtonProps } from './button.js';
import { Notice } from './notice.js';
import { useAction } from './use-action.js';
import { Wait } from './wait.js';

interface SubmitFormProps {
  readonly submitLabel: string;
  readonly submitLook?: ButtonProps['look'];
  /** Its inputs' values by name. What it throws is shown: beside the field where there is one, above the button otherwise. */
  readonly onSubmit: (values: Readonly<Record<string, string>>) => Promise<void>;
  /** In other words than the server's; undefined leaves it the server's. */
  readonly describe?: (error: unknown) => string | undefined;
  /** Whether it is empty again once it is done: for one that stays on the page. */
  readonly isEmptied?: boolean;
  readonly children: ReactNode;
  /** Beside the button. */
  readonly actions?: ReactNode;
}

export function SubmitForm({ submitLabel, submitLook = 'primary', ...props }: SubmitFormProps) {
  const { onSubmit, describe, isEmptied = false, children, actions } = props;
  const { mutate, error, isPending, submittedAt } = useAction({ mutationFn: onSubmit });
  const messages = useMemo(() => fieldMessages(error), [error]);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const entries = [...new FormData(form)].map(([name, value]) => [name, String(value)] as const);
    mutate(Object.fromEntries(entries), { onSuccess: () => isEmptied && form.reset() });
  };
  const isElsewhere = error !== null && !hasInput(messages);
  return (
    <Form
      className="form"
      onSubmit={submit}
      validationErrors={messages}
      render={(form) => <form {...form} onInput={checkAgain} />}
    >
      {children}
      {isElsewhere && (
        <Notice key={submittedAt} tone="error">
          {describe?.(error) ?? <Message error={error} />}
        </Notice>
      )}
      <div className="form-actions">
        <Button type="submit" look={submitLook} isPending={isPending}>
          {submitLabel}
        </Button>
        {actions}
      </div>
    </Form>
  );
}

function Message({ error }: { readonly error: unknown }) {
  if (!(error instanceof ApiProblem) || error.retryAfter === null) return messageOf(error);
  return (
    <>
      {withoutWait(error)} <Wait seconds={error.retryAfter} />
    </>
  );
}

/**
 * React Aria updates a field's message on `change`: when the user leaves the field by pressing the button.
 * The button would then move from under the pointer, and the click would be lost.
 */
function checkAgain({ target }: FormEvent<HTMLFormElement>): void {
  if (target instanceof HTMLElement && target.getAttribute('aria-invalid') === 'true')
    target.dispatchEvent(new Event('change', { bubbles: true }));
}

/** Fields that the server names are shown by their inputs. */
const hasInput = (messages: Record<string, string>) => Object.keys(messages).length > 0;
