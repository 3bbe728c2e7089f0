import { ShownOnce } from '../../ui/shown-once.js';
import { When } from '../../ui/when.js';

/** Whoever has it chooses that account's password. */
export interface SecretLink {
  readonly title: string;
  readonly email: string;
  readonly url: string;
  readonly expiresAt: string;
}

interface LinkShownProps {
  readonly link: SecretLink;
  readonly onClose: () => void;
}

/** Another one can be made. */
export function LinkShown({ link: { title, email, url, expiresAt }, onClose }: LinkShownProps) {
  return (
    <ShownOnce
      title={title}
      what="Link"
      // A server that was not told its public address answers with the path.
      text={new URL(url, location.origin).href}
      warning="Hand it over as carefully as a password: whoever opens it chooses the password of this account."
      onClose={onClose}
    >
      <p className="breakable">
        For <strong>{email}</strong>. Good once, until <When at={expiresAt} />.
      </p>
    </ShownOnce>
  );
}
