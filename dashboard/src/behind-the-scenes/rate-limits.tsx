import { Meter } from 'react-aria-components';
import { type RateLimit, useRateLimits } from '../api/calls.js';
import { secondsUntil, useNow } from './now.js';

/** What each policy is for. */
const NAMES: Readonly<Record<string, string>> = {
  login: 'Signing in',
  register: 'Registering',
  list: 'Lists',
  write: 'Changes',
  default: 'Everything else',
  address: 'All from this address',
};

/** What is left of each limit that an answer has told of. */
export function RateLimits() {
  const limits = useRateLimits();
  const now = useNow(limits.length > 0);
  return (
    <section className="scene" aria-label="Rate limits">
      <h3>Rate limits</h3>
      {limits.length === 0 && <p className="hint">No answer has told of one so far.</p>}
      {limits.map((limit) => (
        <Gauge key={limit.policy} limit={limit} now={now} />
      ))}
    </section>
  );
}

function Gauge({ limit, now }: { readonly limit: RateLimit; readonly now: number }) {
  const { policy, limit: most, windowSeconds } = limit;
  const { left, isRefused, text } = standingOf(limit, now);
  const tone = isRefused || left === 0 ? 'bad' : left <= most / 5 ? 'warning' : 'good';
  return (
    <Meter
      className={`gauge gauge-${tone}`}
      value={left}
      maxValue={most}
      valueLabel={`${left} of ${most} left; ${text}`}
      aria-label={`${NAMES[policy] ?? policy}, policy ${policy}`}
    >
      {({ percentage }) => (
        <>
          <div className="gauge-head">
            <span>
              <strong>{NAMES[policy] ?? policy}</strong> <code className="hint">{policy}</code>
            </span>
            <span>
              <strong>{left}</strong> of {most} left
            </span>
          </div>
          <div className="gauge-track">
            <div className="gauge-fill" style={{ width: `${percentage}%` }} />
          </div>
          <div className="gauge-head hint">
            <span className={isRefused ? 'refused' : undefined}>{text}</span>
            <span>
              {most} per {windowSeconds} s
            </span>
          </div>
        </>
      )}
    </Meter>
  );
}

/** As the last answer told it, and as it must be since: each counted call leaves the window when that has passed. */
function standingOf(limit: RateLimit, now: number): { left: number; isRefused: boolean; text: string } {
  const { limit: most, remaining, resetsAt, refusedUntil, seenAt, windowSeconds } = limit;
  if (refusedUntil !== null && now < refusedUntil)
    return { left: 0, isRefused: true, text: `Refused (429): wait ${secondsUntil(refusedUntil, now)} s` };
  if (now >= seenAt + windowSeconds * 1000) return { left: most, isRefused: false, text: 'all there again' };
  if (now < resetsAt)
    return { left: remaining, isRefused: false, text: `more in ${secondsUntil(resetsAt, now)} s` };
  return { left: Math.min(most, remaining + 1), isRefused: false, text: 'at least; more by now' };
}
