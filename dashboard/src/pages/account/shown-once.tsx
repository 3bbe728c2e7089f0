import { useRef, useState } from 'react';
import type { NewPersonalToken } from '../../api/types.js';
import { Button } from '../../ui/button.js';
import { Dialog } from '../../ui/dialog.js';
import { Notice } from '../../ui/notice.js';

interface ShownOnceProps {
  readonly made: NewPersonalToken;
  readonly onClose: () => void;
}

/** The only time that it can be read. */
export function ShownOnce({ made, onClose }: ShownOnceProps) {
  const text = useRef<HTMLTextAreaElement>(null);
  const [said, setSaid] = useState('');
  const copy = async () => {
    try {
      // Not there over plain http.
      await navigator.clipboard.writeText(made.token);
      setSaid('Copied.');
    } catch {
      text.current?.select();
      setSaid('Your browser lets no page copy here. It is selected: copy it yourself.');
    }
  };
  return (
    <Dialog title={`Token “${made.name}”`} role="alertdialog" isDismissable={false} onClose={onClose}>
      <Notice tone="warning">
        Copy it now: it is not shown again. Whoever has it can do what it is good for, so keep it as you would
        keep a password.
      </Notice>
      <textarea
        ref={text}
        className="secret"
        aria-label="Token"
        value={made.token}
        rows={2}
        onFocus={({ currentTarget }) => currentTarget.select()}
        spellCheck={false}
        readOnly
      />
      <div className="form-actions">
        <Button look="primary" autoFocus onPress={() => void copy()}>
          Copy
        </Button>
        <Button onPress={onClose}>Done</Button>
        <p role="status" className="hint said">
          {said}
        </p>
      </div>
    </Dialog>
  );
}
