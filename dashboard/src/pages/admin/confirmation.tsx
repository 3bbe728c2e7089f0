import type { ReactNode } from 'react';
import { Button, type ButtonProps } from '../../ui/button.js';
import { Dialog } from '../../ui/dialog.js';
import { SubmitForm } from '../../ui/submit-form.js';

interface ConfirmationProps {
  readonly title: string;
  readonly confirmLabel: string;
  readonly look?: ButtonProps['look'];
  /** What it throws is shown, and the dialog stays. */
  readonly onConfirm: () => Promise<void>;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export function Confirmation({ title, confirmLabel, look, onConfirm, onClose, children }: ConfirmationProps) {
  return (
    <Dialog title={title} role="alertdialog" onClose={onClose}>
      <SubmitForm
        submitLabel={confirmLabel}
        submitLook={look}
        onSubmit={onConfirm}
        actions={<Button onPress={onClose}>Cancel</Button>}
      >
        {children}
      </SubmitForm>
    </Dialog>
  );
}
