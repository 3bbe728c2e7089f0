import { Link } from 'react-router';
import { hasCode } from '../../api/problem.js';
import { Field } from '../../ui/field.js';
import { PasswordField } from '../../ui/password-field.js';
import { SubmitForm } from '../../ui/submit-form.js';
import { useTitle } from '../../ui/title.js';
import { register } from './credentials.js';

export function RegisterPage() {
  useTitle('Create an account');
  const describe = (error: unknown) =>
    hasCode(error, 'REGISTRATION_CLOSED')
      ? 'Accounts are by invitation here. Ask an administrator for one.'
      : undefined;
  return (
    <div className="card entrance">
      <h1>Create an account</h1>
      <SubmitForm submitLabel="Create account" onSubmit={register} describe={describe}>
        <Field label="E-mail" name="email" type="email" autoComplete="username" isRequired />
        <PasswordField label="Password" name="password" />
      </SubmitForm>
      <p>
        Have one already? <Link to="/sign-in">Sign in</Link>
      </p>
    </div>
  );
}
