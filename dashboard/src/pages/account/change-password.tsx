import { useQueryClient } from '@tanstack/react-query';
import { api } from '../../api/client.js';
import { answerOf } from '../../api/problem.js';
import { PasswordField } from '../../ui/password-field.js';
import { SubmitForm } from '../../ui/submit-form.js';
import { toast } from '../../ui/toasts.js';
import { confirmed, CurrentPassword } from './current-password.js';
import { Section } from './section.js';
import { SESSIONS } from './sessions.js';

export function ChangePassword({ email }: { readonly email: string }) {
  const queries = useQueryClient();
  const change = async ({ current_password = '', new_password = '' }: Readonly<Record<string, string>>) => {
    await confirmed(answerOf(api.POST('/v1/auth/password', { body: { current_password, new_password } })));
    queries.removeQueries({ queryKey: SESSIONS });
    toast({ text: 'Your password is changed. You are signed out everywhere else.' });
  };
  return (
    <Section title="Change password">
      <p className="hint">
        Ends all your other sessions. Personal tokens stay good: revoke those that you do not trust.
      </p>
      <SubmitForm submitLabel="Change password" onSubmit={change} isEmptied>
        {/* Whose password it is, for whatever keeps passwords. Without a name it is not sent. */}
        <input type="email" autoComplete="username" value={email} readOnly hidden />
        <CurrentPassword />
        <PasswordField label="New password" name="new_password" />
      </SubmitForm>
    </Section>
  );
}
