import { useState } from 'react';
import { useNavigate } from 'react-router';
import { api } from '../../api/client.js';
import { answerOf, hasCode } from '../../api/problem.js';
import { end } from '../../api/session.js';
import { Button } from '../../ui/button.js';
import { Dialog } from '../../ui/dialog.js';
import { Field } from '../../ui/field.js';
import { SubmitForm } from '../../ui/submit-form.js';
import { confirmed, CurrentPassword } from './current-password.js';
import { Section } from './section.js';

export function EraseAccount({ email }: { readonly email: string }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <Section title="Erase account">
      <p className="hint">
        Your list, your sessions and your personal tokens are deleted with it, for good. There is no way back.
      </p>
      <div className="form-actions">
        <Button look="danger" onPress={() => setOpen(true)}>
          Erase my account…
        </Button>
      </div>
      {isOpen && <EraseDialog email={email} onClose={() => setOpen(false)} />}
    </Section>
  );
}

function EraseDialog({ email, onClose }: { readonly email: string; readonly onClose: () => void }) {
  const navigate = useNavigate();
  const erase = async ({ current_password = '' }: Readonly<Record<string, string>>) => {
    await confirmed(answerOf(api.DELETE('/v1/auth/me', { body: { current_password } })));
    end('erased');
    await navigate('/sign-in');
  };
  const describe = (error: unknown) =>
    hasCode(error, 'LAST_ADMIN')
      ? 'You are the only active administrator. Make somebody else one first.'
      : undefined;
  const isTheirs = (text: string) =>
    text.trim().toLowerCase() === email ? null : 'This must be the e-mail address of this account.';
  return (
    <Dialog title="Erase this account?" role="alertdialog" onClose={onClose}>
      <p>
        All that belongs to <strong className="address">{email}</strong> is deleted at once: the list, every
        session, every personal token. What was done stays in the audit log, without the name.
      </p>
      <SubmitForm
        submitLabel="Erase for good"
        submitLook="danger"
        onSubmit={erase}
        describe={describe}
        actions={<Button onPress={onClose}>Cancel</Button>}
      >
        <Field
          label="Type your e-mail address"
          name="confirmation"
          autoComplete="off"
          validate={isTheirs}
          isRequired
        />
        <CurrentPassword />
      </SubmitForm>
    </Dialog>
  );
}
