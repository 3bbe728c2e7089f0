import {
  Button as AriaButton,
  Text,
  UNSTABLE_Toast as Toast,
  UNSTABLE_ToastContent as ToastContent,
  UNSTABLE_ToastQueue as ToastQueue,
  UNSTABLE_ToastRegion as ToastRegion,
} from 'react-aria-components';
import { Button } from './button.js';

export interface ToastMessage {
  readonly text: string;
  readonly tone?: 'success' | 'error';
  /** One thing that can be done about it, while it is there. */
  readonly action?: { readonly label: string; readonly onPress: () => void };
}

const SHOWN_MS = 6000;

const queue = new ToastQueue<ToastMessage>({ maxVisibleToasts: 3 });

/**
 * Says something that has happened; gone after a while, unless somebody points at it or is in it.
 *
 * @returns a function that takes it away
 */
export function toast(
  message: ToastMessage,
  { timeout = SHOWN_MS, onClose }: { timeout?: number; onClose?: () => void } = {},
): () => void {
  const key = queue.add(message, { timeout, onClose });
  return () => queue.close(key);
}

export function Toasts() {
  return (
    <ToastRegion queue={queue} className="toasts" aria-label="Messages">
      {({ toast: shown }) => {
        const { text, tone = 'success', action } = shown.content;
        return (
          <Toast toast={shown} className={`toast toast-${tone}`}>
            <ToastContent className="toast-content">
              <Text slot="title">{text}</Text>
            </ToastContent>
            {action !== undefined && (
              <Button
                look="quiet"
                onPress={() => {
                  action.onPress();
                  queue.close(shown.key);
                }}
              >
                {action.label}
              </Button>
            )}
            <AriaButton slot="close" className="button button-quiet" aria-label="Close the message">
              ✕
            </AriaButton>
          </Toast>
        );
      }}
    </ToastRegion>
  );
}
