import { useSession } from '../../api/session.js';
import { useTitle } from '../../ui/title.js';
import { OnDay } from '../../ui/when.js';
import { ChangeEmail } from './change-email.js';
import { ChangePassword } from './change-password.js';
import { EraseAccount } from './erase-account.js';
import { Section } from './section.js';

export function Profile() {
  useTitle('Account');
  const session = useSession();
  // The moment between signing out and the page that says so.
  if (session.state !== 'signed-in') return null;
  const { user } = session;
  return (
    <>
      <Section title="Profile">
        <dl className="facts">
          <dt>E-mail</dt>
          <dd>{user.email}</dd>
          <dt>Role</dt>
          <dd>{user.role === 'admin' ? 'Administrator' : 'User'}</dd>
          <dt>Member since</dt>
          <dd>
            <OnDay at={user.created_at} />
          </dd>
        </dl>
      </Section>
      <ChangeEmail />
      <ChangePassword email={user.email} />
      <EraseAccount email={user.email} />
    </>
  );
}
