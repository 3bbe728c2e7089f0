import { api } from '../../api/client.js';
import { answerOf } from '../../api/problem.js';
import type { User } from '../../api/types.js';
import { Confirmation } from './confirmation.js';
import type { SecretLink } from './link-shown.js';

interface PasswordLinkProps {
  readonly user: User;
  readonly onMade: (link: SecretLink) => Promise<void>;
  readonly onClose: () => void;
}

export function PasswordLink({ user: { id, email }, onMade, onClose }: PasswordLinkProps) {
  const make = async () => {
    const asking = api.POST('/v1/admin/users/{user_id}/password-reset', {
      params: { path: { user_id: id } },
    });
    const { reset_url, expires_at } = await answerOf(asking);
    await onMade({ title: 'Link to a new password', email, url: reset_url, expiresAt: expires_at });
  };
  return (
    <Confirmation
      title="Make a link to a new password?"
      confirmLabel="Make the link"
      onConfirm={make}
      onClose={onClose}
    >
      <p className="breakable">
        For <strong>{email}</strong>, who has forgotten theirs and cannot be sent mail, or whose invitation
        has expired. The audit log will name you.
      </p>
    </Confirmation>
  );
}
