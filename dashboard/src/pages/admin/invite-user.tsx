import { useState } from 'react';
import { api } from '../../api/client.js';
import { answerOf } from '../../api/problem.js';
import type { Role } from '../../api/types.js';
import { Button } from '../../ui/button.js';
import { Choice } from '../../ui/choice.js';
import { Dialog } from '../../ui/dialog.js';
import { Field } from '../../ui/field.js';
import { SubmitForm } from '../../ui/submit-form.js';
import type { SecretLink } from './link-shown.js';

const ROLES: Readonly<Record<Role, string>> = { user: 'User', admin: 'Administrator' };

interface InviteUserProps {
  readonly onInvited: (link: SecretLink) => Promise<void>;
  readonly onClose: () => void;
}

export function InviteUser({ onInvited, onClose }: InviteUserProps) {
  const [role, setRole] = useState<Role>('user');
  const invite = async ({ email = '' }: Readonly<Record<string, string>>) => {
    const made = await answerOf(api.POST('/v1/admin/users', { body: { email, role } }));
    await onInvited({
      title: 'Invited',
      email: made.user.email,
      url: made.invitation_url,
      expiresAt: made.expires_at,
    });
  };
  return (
    <Dialog title="Invite somebody" onClose={onClose}>
      <p>They choose their password with a link, which is mailed to them where this server sends mail.</p>
      <SubmitForm submitLabel="Invite" onSubmit={invite} actions={<Button onPress={onClose}>Cancel</Button>}>
        <Field label="E-mail" name="email" type="email" autoComplete="off" isRequired autoFocus />
        <Choice label="Role" options={ROLES} value={role} onChange={setRole} />
      </SubmitForm>
    </Dialog>
  );
}
