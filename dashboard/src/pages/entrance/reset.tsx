import { useState } from 'react';
import { Link, useNavigate } from 'react-router';
import { anonymous } from '../../api/anonymous.js';
import { answerOf, hasCode } from '../../api/problem.js';
import { end, start, useSession } from '../../api/session.js';
import { Notice } from '../../ui/notice.js';
import { PasswordField } from '../../ui/password-field.js';
import { SubmitForm } from '../../ui/submit-form.js';
import { useTitle } from '../../ui/title.js';
import { FocusedHeading } from './focused-heading.js';
import { forgetResetToken, useResetToken } from './reset-token.js';

type Outcome = 'none' | 'done' | 'refused';

/** Where links that set a password lead, those of invitations too. */
export function ResetPage() {
  useTitle('Choose a password');
  const token = useResetToken();
  const [outcome, setOutcome] = useState<Outcome>('none');
  const finish = (reached: Outcome) => {
    forgetResetToken();
    setOutcome(reached);
  };
  return (
    <div className="card entrance">
      {token.state === 'given' ? (
        // Another link begins anew.
        <ChoosePassword key={token.text} token={token.text} onOutcome={finish} />
      ) : token.state === 'malformed' || outcome === 'none' ? (
        <NoLink />
      ) : outcome === 'done' ? (
        <Done />
      ) : (
        <Refused />
      )}
    </div>
  );
}

interface ChoosePasswordProps {
  readonly token: string;
  readonly onOutcome: (outcome: Outcome) => void;
}

function ChoosePassword({ token, onOutcome }: ChoosePasswordProps) {
  const session = useSession();
  const navigate = useNavigate();
  const setPassword = async ({ new_password = '' }: Readonly<Record<string, string>>) => {
    try {
      // Nobody's request: whoever is signed in here may be somebody else.
      await answerOf(anonymous.POST('/v1/auth/password/reset', { body: { token, new_password } }));
    } catch (error) {
      if (!hasCode(error, 'INVALID_RESET_TOKEN')) throw error;
      onOutcome('refused');
      return;
    }
    // Whose password it was ends all sessions of theirs, this one too if it is.
    const after = await start();
    onOutcome('done');
    if (after.state !== 'signed-out' || after.reason === 'unreachable') return;
    end('password-set');
    await navigate('/sign-in', { replace: true });
  };
  return (
    <>
      <h1>Choose a password</h1>
      {session.state === 'signed-in' && (
        <Notice>
          {session.user.email} is signed in here. The link is for whoever it was made for: that need not be
          the same account.
        </Notice>
      )}
      <p>It ends all sessions and personal tokens of the account that the link is for.</p>
      <SubmitForm submitLabel="Set password" onSubmit={setPassword}>
        <PasswordField label="New password" name="new_password" />
      </SubmitForm>
    </>
  );
}

function NoLink() {
  return (
    <>
      <h1>Choose a password</h1>
      <Notice tone="error">
        This is not a whole link. Open it exactly as you were given it, and again after a reload: it is kept
        nowhere here.
      </Notice>
      <AnotherLink />
    </>
  );
}

function Refused() {
  return (
    <>
      <FocusedHeading>This link is not valid</FocusedHeading>
      <p>It has been used, has expired, or a newer one has taken its place. Nothing was changed.</p>
      <AnotherLink />
    </>
  );
}

/** Only where somebody is signed in still, or nobody knows: others are on their way to sign in. */
function Done() {
  const session = useSession();
  return (
    <>
      <FocusedHeading>The password is set</FocusedHeading>
      {session.state === 'signed-in' ? (
        <p>
          It was not for the account that is signed in here: {session.user.email} stays so. To sign in with
          the new password, sign out first.
        </p>
      ) : (
        <p>
          You can <Link to="/sign-in">sign in</Link> with it now.
        </p>
      )}
    </>
  );
}

function AnotherLink() {
  const session = useSession();
  if (session.state === 'signed-in') return null;
  return (
    <p>
      <Link to="/forgot">Ask for another link</Link>
    </p>
  );
}
