import { api } from '../../api/client.js';
import { answerOf, hasCode } from '../../api/problem.js';
import type { PersonalToken } from '../../api/types.js';
import { Button } from '../../ui/button.js';
import { Dialog } from '../../ui/dialog.js';
import { SubmitForm } from '../../ui/submit-form.js';

interface RevokeTokenProps {
  readonly token: PersonalToken;
  readonly onRevoked: (token: PersonalToken) => Promise<void>;
  readonly onClose: () => void;
}

export function RevokeToken({ token, onRevoked, onClose }: RevokeTokenProps) {
  const revoke = async () => {
    try {
      await answerOf(api.DELETE('/v1/auth/tokens/{id}', { params: { path: { id: token.id } } }));
    } catch (error) {
      // Somebody was faster: all that was wanted.
      if (!hasCode(error, 'TOKEN_NOT_FOUND')) throw error;
    }
    await onRevoked(token);
  };
  return (
    <Dialog title="Revoke this token?" role="alertdialog" onClose={onClose}>
      <p>
        Whatever uses <strong className="address">{token.name}</strong> is refused from its next request on. A
        revoked token cannot be brought back.
      </p>
      <SubmitForm
        submitLabel="Revoke"
        submitLook="danger"
        onSubmit={revoke}
        actions={<Button onPress={onClose}>Cancel</Button>}
      >
        {null}
      </SubmitForm>
    </Dialog>
  );
}
