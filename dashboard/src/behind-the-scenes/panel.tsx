import { type ReactNode, useEffect, useRef, useSyncExternalStore } from 'react';
import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { Button } from '../ui/button.js';
import { CacheProof } from './cache-proof.js';
import { CallList } from './call-list.js';
import { GithubCall } from './github-call.js';
import { HealthNow } from './health-now.js';
import './panel.css';
import { RateLimits } from './rate-limits.js';

/** As in base.css: below it there is no room beside the page. */
const BESIDE = matchMedia('(min-width: 60rem)');

interface PanelProps {
  readonly onClose: () => void;
}

/** What the page asks of the API, and how it was answered. Beside the page, or over it where that is narrow. */
export function BehindTheScenes({ onClose }: PanelProps) {
  const isBeside = useSyncExternalStore(subscribe, () => BESIDE.matches);
  return isBeside ? <Aside onClose={onClose} /> : <Sheet onClose={onClose} />;
}

function Aside({ onClose }: PanelProps) {
  const aside = useFocusWhileOpen();
  return (
    <aside
      ref={aside}
      className="panel"
      aria-label="Behind the scenes"
      tabIndex={-1}
      onKeyDown={({ key, defaultPrevented }) => key === 'Escape' && !defaultPrevented && onClose()}
    >
      <Head onClose={onClose} heading={<h2>Behind the scenes</h2>} />
      <Scenes />
    </aside>
  );
}

function Sheet({ onClose }: PanelProps) {
  return (
    <ModalOverlay
      className="sheet-overlay"
      isOpen
      isDismissable
      onOpenChange={(isOpen) => !isOpen && onClose()}
    >
      <Modal className="sheet">
        <Dialog className="panel sheet-panel">
          <Head
            onClose={onClose}
            heading={
              <Heading slot="title" level={2}>
                Behind the scenes
              </Heading>
            }
          />
          <Scenes />
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

function Head({ heading, onClose }: PanelProps & { readonly heading: ReactNode }) {
  return (
    <div className="panel-head">
      {heading}
      <Button look="quiet" aria-label="Close behind the scenes" onPress={onClose}>
        ✕
      </Button>
    </div>
  );
}

/** Buttons come first. An answer can arrive while a button is pressed, and a button that moves then loses the press. */
function Scenes() {
  return (
    <>
      <CacheProof />
      <GithubCall />
      <CallList />
      <RateLimits />
      <HealthNow />
    </>
  );
}

/** It stands at the end of the document: who opens it would otherwise have to walk through the page to get there. */
function useFocusWhileOpen() {
  const ref = useRef<HTMLElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    ref.current?.focus({ preventScroll: true });
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return ref;
}

function subscribe(listener: () => void): () => void {
  BESIDE.addEventListener('change', listener);
  return () => BESIDE.removeEventListener('change', listener);
}
