import { api } from '../../api/client.js';
import { answerOf } from '../../api/problem.js';
import { end, update, useSession } from '../../api/session.js';
import type { Role, User } from '../../api/types.js';
import { toast } from '../../ui/toasts.js';
import { Confirmation } from './confirmation.js';

interface ChangeProps {
  readonly user: User;
  readonly onDone: () => Promise<void>;
  readonly onClose: () => void;
}

export function ChangeRole({ user, onDone, onClose }: ChangeProps) {
  const me = useMyself(user);
  const role: Role = user.role === 'admin' ? 'user' : 'admin';
  const change = async () => {
    await answerOf(patch(user, { role }));
    // Out of these pages at once: the server refuses what they ask for from now on.
    if (me !== null) update({ ...me, role });
    else await onDone();
    toast({ text: `${user.email} is ${role === 'admin' ? 'an administrator' : 'a user'} now.` });
  };
  return (
    <Confirmation
      title={role === 'admin' ? 'Make them an administrator?' : 'Make them a user?'}
      confirmLabel={role === 'admin' ? 'Make an administrator' : 'Make a user'}
      look={role === 'admin' ? 'primary' : 'danger'}
      onConfirm={change}
      onClose={onClose}
    >
      <p className="breakable">
        <strong>{user.email}</strong>{' '}
        {role === 'admin'
          ? 'will see and change everybody’s items, users’ roles and the audit log.'
          : 'will see and change their own list only.'}
      </p>
      {me !== null && (
        <p>
          <strong>This is you.</strong> Only another administrator can make you one again.
        </p>
      )}
    </Confirmation>
  );
}

export function ChangeStanding({ user, onDone, onClose }: ChangeProps) {
  const me = useMyself(user);
  const disabled = !user.disabled;
  const change = async () => {
    await answerOf(patch(user, { disabled }));
    if (me !== null && disabled) end('ended');
    else await onDone();
    toast({ text: `${user.email} is ${disabled ? 'disabled' : 'enabled'}.` });
  };
  return (
    <Confirmation
      title={disabled ? 'Disable this account?' : 'Enable this account?'}
      confirmLabel={disabled ? 'Disable' : 'Enable'}
      look={disabled ? 'danger' : 'primary'}
      onConfirm={change}
      onClose={onClose}
    >
      <p className="breakable">
        <strong>{user.email}</strong>{' '}
        {disabled
          ? 'is signed out everywhere and cannot sign in until enabled again. Their items stay.'
          : 'can sign in again, with the password that they had.'}
      </p>
      {me !== null && disabled && (
        <p>
          <strong>This is you.</strong> Only another administrator can let you in again.
        </p>
      )}
    </Confirmation>
  );
}

const patch = ({ id }: User, body: { role?: Role; disabled?: boolean }) =>
  api.PATCH('/v1/admin/users/{user_id}', { params: { path: { user_id: id } }, body });

/** My account if it is mine that is to be changed. */
function useMyself({ id }: User) {
  const session = useSession();
  return session.state === 'signed-in' && session.user.id === id ? session.user : null;
}
