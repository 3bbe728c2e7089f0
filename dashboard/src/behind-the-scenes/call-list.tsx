import { useEffect, useRef, useState } from 'react';
import { type Call, clearCalls, useCalls } from '../api/calls.js';
import { Button } from '../ui/button.js';
import { CopyButton } from '../ui/copy-button.js';
import { inMilliseconds } from './milliseconds.js';
import { inWords, Status } from './status.js';

const SHOWN_AT_FIRST = 4;
/** Pages ask several things at once: they are told of together. */
const QUIET_MS = 1500;

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

/** Every call of this page, the newest first. */
export function CallList() {
  const calls = useCalls();
  const [areAllShown, setAllShown] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  const clear = () => {
    clearCalls();
    // The button goes with the calls.
    heading.current?.focus();
  };
  return (
    <section className="scene" aria-label="Calls">
      <div className="scene-head">
        <h3 ref={heading} tabIndex={-1}>
          Calls
        </h3>
        {calls.length > 0 && (
          <Button look="quiet" aria-label="Clear the calls" onPress={clear}>
            Clear
          </Button>
        )}
      </div>
      {calls.length === 0 ? (
        <p className="hint">None so far. Whatever the page asks of the API appears here.</p>
      ) : (
        <ol className="calls">
          {(areAllShown ? calls : calls.slice(0, SHOWN_AT_FIRST)).map((call) => (
            <CallRow key={call.id} call={call} />
          ))}
        </ol>
      )}
      {calls.length > SHOWN_AT_FIRST && (
        <Button look="quiet" aria-expanded={areAllShown} onPress={() => setAllShown(!areAllShown)}>
          {areAllShown ? 'Show the newest only' : `Show all ${calls.length}`}
        </Button>
      )}
      <Announcement calls={calls} />
    </section>
  );
}

function CallRow({ call }: { readonly call: Call }) {
  const { method, path, startedAt, milliseconds, status, requestId, cache, retryAfter } = call;
  return (
    <li className="call">
      <div className="call-line">
        <strong className="call-method">{method}</strong>
        <span className="call-path">{path}</span>
      </div>
      <div className="call-line">
        <Status status={status} />
        <span className="call-time">{inMilliseconds(milliseconds)}</span>
        {cache !== null && <Cache outcome={cache} />}
        {retryAfter !== null && <span className="hint">Retry-After: {retryAfter} s</span>}
        <time className="hint call-clock" dateTime={startedAt.toISOString()}>
          {clock.format(startedAt)}
        </time>
      </div>
      {requestId !== null && (
        <div className="call-line call-request">
          <code className="hint">{requestId}</code>
          <CopyButton text={requestId} what="request id" />
        </div>
      )}
    </li>
  );
}

export function Cache({ outcome }: { readonly outcome: string }) {
  return <span className={`pill pill-${outcome.toLowerCase()}`}>{outcome}</span>;
}

/** For screen readers: how many there were, and the last one, once it is quiet again. */
function Announcement({ calls }: { readonly calls: readonly Call[] }) {
  const [text, setText] = useState('');
  const lastTold = useRef(calls[0]?.id ?? 0);
  useEffect(() => {
    const [newest] = calls;
    if (newest === undefined || newest.id === lastTold.current) return undefined;
    const timer = setTimeout(() => {
      const count = newest.id - lastTold.current;
      lastTold.current = newest.id;
      const { method, path, status, milliseconds } = newest;
      const last = `${method} ${path}: ${inWords(status)}, ${inMilliseconds(milliseconds)}`;
      setText(count === 1 ? last : `${count} calls, the last one ${last}`);
    }, QUIET_MS);
    return () => clearTimeout(timer);
  }, [calls]);
  return (
    <p role="status" className="visually-hidden">
      {text}
    </p>
  );
}
