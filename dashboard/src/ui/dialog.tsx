import type { ReactNode } from 'react';
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from 'react-aria-components';

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly role?: 'dialog' | 'alertdialog';
  /** False: only by its own buttons, because something would be lost. */
  readonly isDismissable?: boolean;
  readonly children: ReactNode;
}

/** Over the page, until it is closed; rendered only while it is open. Escape closes it. */
export function Dialog({ title, onClose, role = 'dialog', isDismissable = true, children }: DialogProps) {
  return (
    <ModalOverlay
      className="overlay"
      isOpen
      isDismissable={isDismissable}
      isKeyboardDismissDisabled={!isDismissable}
      onOpenChange={(isOpen) => !isOpen && onClose()}
    >
      <Modal className="modal">
        <AriaDialog className="dialog" role={role}>
          <Heading slot="title" className="dialog-title">
            {title}
          </Heading>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
