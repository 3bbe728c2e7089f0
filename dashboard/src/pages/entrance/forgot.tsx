import { useState } from 'react';
import { Link } from 'react-router';
import { anonymous } from '../../api/anonymous.js';
import { answerOf, hasCode } from '../../api/problem.js';
import { Button } from '../../ui/button.js';
import { Field } from '../../ui/field.js';
import { SubmitForm } from '../../ui/submit-form.js';
import { useTitle } from '../../ui/title.js';
import { FocusedHeading } from './focused-heading.js';

export function ForgotPage() {
  useTitle('Forgotten password');
  const [address, setAddress] = useState<string | null>(null);
  return (
    <div className="card entrance">
      {address === null ? (
        <AskForLink onSent={setAddress} />
      ) : (
        <LookForMail address={address} onAgain={() => setAddress(null)} />
      )}
      <p>
        <Link to="/sign-in">Back to sign in</Link>
      </p>
    </div>
  );
}

function AskForLink({ onSent }: { readonly onSent: (address: string) => void }) {
  const send = async ({ email = '' }: Readonly<Record<string, string>>) => {
    await answerOf(anonymous.POST('/v1/auth/password/forgot', { body: { email } }));
    onSent(email);
  };
  const describe = (error: unknown) =>
    hasCode(error, 'MAIL_NOT_CONFIGURED')
      ? 'This server sends no mail. An administrator can make a link for you: ask one.'
      : undefined;
  return (
    <>
      <h1>Forgotten your password?</h1>
      <p>You are sent a link with which you choose a new one.</p>
      <SubmitForm submitLabel="Send me a link" onSubmit={send} describe={describe}>
        <Field label="E-mail" name="email" type="email" autoComplete="username" isRequired />
      </SubmitForm>
    </>
  );
}

interface LookForMailProps {
  readonly address: string;
  readonly onAgain: () => void;
}

/** The same for everybody: whether somebody has the address is not told here either. */
function LookForMail({ address, onAgain }: LookForMailProps) {
  return (
    <>
      <FocusedHeading>Look into your mail</FocusedHeading>
      <p>
        If there is an account with the address <strong className="address">{address}</strong>, a link is on
        its way there. It is good once, for 30 minutes. Three are sent in that time at most.
      </p>
      <div className="form-actions">
        <Button onPress={onAgain}>Send another one</Button>
      </div>
    </>
  );
}
