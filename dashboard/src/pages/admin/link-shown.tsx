import { Input } from 'react-aria-components';
import { Button } from '../../ui/button.js';
import { CopyButton } from '../../ui/copy-button.js';
import { Dialog } from '../../ui/dialog.js';
import { Notice } from '../../ui/notice.js';
import { When } from '../../ui/when.js';

/** Whoever has it chooses that account's password. */
export interface SecretLink {
  readonly title: string;
  readonly email: string;
  readonly url: string;
  readonly expiresAt: string;
}

/** The only time that it can be read; another one can be made. */
export function LinkShown({ link, onClose }: { readonly link: SecretLink; readonly onClose: () => void }) {
  // A server that was not told its public address answers with the path.
  const { href } = new URL(link.url, location.origin);
  return (
    <Dialog title={link.title} onClose={onClose}>
      <p className="breakable">
        For <strong>{link.email}</strong>. Good once, until <When at={link.expiresAt} />.
      </p>
      <div className="link-shown">
        <Input
          className="link-text"
          aria-label="Link"
          value={href}
          readOnly
          onFocus={({ currentTarget }) => currentTarget.select()}
        />
        <CopyButton look="primary" text={href} what="link" />
      </div>
      <Notice tone="warning">
        It is not shown again. Hand it over as carefully as a password: whoever opens it chooses the password
        of this account.
      </Notice>
      <div className="form-actions">
        <Button onPress={onClose}>Done</Button>
      </div>
    </Dialog>
  );
}
