import { useMutation } from '@tanstack/react-query';
import type { FormEvent, ReactNode } from 'react';
import { Form } from 'react-aria-components';
import { fieldMessages, messageOf } from '../api/problem.js';
import { Button, type ButtonProps } from './button.js';
import { Notice } from './notice.js';

interface SubmitFormProps {
  readonly submitLabel: string;
  readonly submitLook?: ButtonProps['look'];
  /** Its inputs' values by name. What it throws is shown: beside the field where there is one, above the button otherwise. */
  readonly onSubmit: (values: Readonly<Record<string, string>>) => Promise<void>;
  /** In other words than the server's; undefined leaves it the server's. */
  readonly describe?: (error: unknown) => string | undefined;
  readonly children: ReactNode;
  /** Beside the button. */
  readonly actions?: ReactNode;
}

export function SubmitForm({ submitLabel, submitLook = 'primary', ...props }: SubmitFormProps) {
  const { onSubmit, describe, children, actions } = props;
  const { mutate, error, isPending } = useMutation({ mutationFn: onSubmit });
  const messages = fieldMessages(error);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    if (isPending) return;
    const entries = [...new FormData(form)].map(([name, value]) => [name, String(value)] as const);
    mutate(Object.fromEntries(entries));
  };
  const isElsewhere = error !== null && !hasInput(messages);
  return (
    <Form className="form" onSubmit={submit} validationErrors={messages}>
      {children}
      {isElsewhere && <Notice tone="error">{describe?.(error) ?? messageOf(error)}</Notice>}
      <div className="form-actions">
        <Button type="submit" look={submitLook} isPending={isPending}>
          {submitLabel}
        </Button>
        {actions}
      </div>
    </Form>
  );
}

/** Fields that the server names are shown by their inputs. */
const hasInput = (messages: Record<string, string>) => Object.keys(messages).length > 0;
