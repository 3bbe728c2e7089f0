import { api } from '../../api/client.js';
import { answerOf, hasCode } from '../../api/problem.js';
import { update } from '../../api/session.js';
import { Field } from '../../ui/field.js';
import { SubmitForm } from '../../ui/submit-form.js';
import { toast } from '../../ui/toasts.js';
import { beside, confirmed, CurrentPassword } from './current-password.js';
import { Section } from './section.js';

export function ChangeEmail() {
  return (
    <Section title="Change e-mail address">
      <p className="hint">
        You sign in with the new one from now on. Links to a new password that were sent to the old one are of
        no use any more.
      </p>
      <SubmitForm submitLabel="Change e-mail" onSubmit={change} isEmptied>
        <Field label="New e-mail" name="email" type="email" autoComplete="off" isRequired />
        <CurrentPassword />
      </SubmitForm>
    </Section>
  );
}

async function change({ email = '', current_password = '' }: Readonly<Record<string, string>>) {
  try {
    const user = await confirmed(answerOf(api.PATCH('/v1/auth/me', { body: { email, current_password } })));
    update(user);
    toast({ text: `Your e-mail address is now ${user.email}.` });
  } catch (error) {
    if (hasCode(error, 'EMAIL_TAKEN')) throw beside('email', 'address is registered already', error);
    throw error;
  }
}
