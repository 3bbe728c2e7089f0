import { type ReactNode, useRef, useState } from 'react';
import { Button } from './button.js';
import { Dialog } from './dialog.js';
import { Notice } from './notice.js';

/** Characters, about: the whole of it is seen. */
const LINE = 36;

interface ShownOnceProps {
  readonly title: string;
  /** What it is: “Token”. */
  readonly what: string;
  readonly text: string;
  /** What whoever has it can do. */
  readonly warning: string;
  readonly onClose: () => void;
  readonly children?: ReactNode;
}

/** A secret, the only time that it can be read: nothing but its own button closes it. */
export function ShownOnce({ title, what, text, warning, onClose, children }: ShownOnceProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const [said, setSaid] = useState('');
  const copy = async () => {
    try {
      // Not there over plain http.
      await navigator.clipboard.writeText(text);
      setSaid('Copied.');
    } catch {
      field.current?.select();
      setSaid('Your browser lets no page copy here. It is selected: copy it yourself.');
    }
  };
  return (
    <Dialog title={title} role="alertdialog" isDismissable={false} onClose={onClose}>
      {children}
      <Notice tone="warning">Copy it now: it is not shown again. {warning}</Notice>
      <textarea
        ref={field}
        className="secret"
        aria-label={what}
        value={text}
        rows={Math.ceil(text.length / LINE)}
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
