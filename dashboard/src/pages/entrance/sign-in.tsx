import { useState } from 'react';
import { Link } from 'react-router';
import { signOut, start, type SignedOutReason, useSession } from '../../api/session.js';
import { Button } from '../../ui/button.js';
import { Field } from '../../ui/field.js';
import { Notice } from '../../ui/notice.js';
import { SubmitForm } from '../../ui/submit-form.js';
import { useTitle } from '../../ui/title.js';
import { signIn } from './credentials.js';

const REASONS: Partial<Record<SignedOutReason, string>> = {
  asked: 'You are signed out.',
  ended: window.isSecureContext
    ? 'Your session has ended, or your browser did not keep it. Sign in again.'
    : 'You are signed out: over plain http your browser keeps no session over a reload.',
  erased: 'Your account and all that belonged to it are erased.',
  'password-set': 'The password is set, and its account is signed out everywhere. Sign in with it.',
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
          Whether you are still signed in could not be asked: the server cannot be reached at the moment.{' '}
          <TryAgain act={start} />
        </Notice>
      )}
      {reason === 'unconfirmed' && (
        <Notice tone="error">
          You are signed out on this page, but the server could not be told: until it is, your session goes
          on. {window.isSecureContext && <TryAgain act={signOut} />}
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

function TryAgain({ act }: { readonly act: () => Promise<unknown> }) {
  const [isPending, setPending] = useState(false);
  const tryAgain = async () => {
    setPending(true);
    await act();
    setPending(false);
  };
  return (
    <Button isPending={isPending} onPress={() => void tryAgain()}>
      Try again
    </Button>
  );
}
