import { Link } from 'react-router';
import { start, type SignedOutReason, useSession } from '../../api/session.js';
import { Button } from '../../ui/button.js';
import { Field } from '../../ui/field.js';
import { Notice } from '../../ui/notice.js';
import { SubmitForm } from '../../ui/submit-form.js';
import { useTitle } from '../../ui/title.js';
import { signIn } from './credentials.js';

const REASONS: Partial<Record<SignedOutReason, string>> = {
  asked: 'You are signed out.',
  ended: 'Your session has ended, or your browser did not keep it. Sign in again.',
  erased: 'Your account and all that belonged to it are erased.',
};

export function SignInPage() {
  useTitle('Sign in');
  const session = useSession();
  const reason = session.state === 'signed-out' ? session.reason : 'never';
  return (
    <div className="card entrance">
      <h1>Sign in</h1>
      {reason === 'unreachable' && (
        <Notice tone="error">
          Whether you are still signed in could not be asked: the server cannot be reached.{' '}
          <Button onPress={() => void start()}>Try again</Button>
        </Notice>
      )}
      {REASONS[reason] !== undefined && <Notice>{REASONS[reason]}</Notice>}
      <SubmitForm submitLabel="Sign in" onSubmit={signIn}>
        <Field label="E-mail" name="email" type="email" autoComplete="username" isRequired />
        <Field label="Password" name="password" type="password" autoComplete="current-password" isRequired />
      </SubmitForm>
      <p>
        <Link to="/forgot">Forgotten your password?</Link>
      </p>
      <p>
        New here? <Link to="/register">Create an account</Link>
      </p>
    </div>
  );
}
