import { useQuery } from '@tanstack/react-query';
import { createWatchlistClient } from '@watchlist/client';
import { answerOf, messageOf } from '../api/problem.js';
import type { Health } from '../api/types.js';

const INTERVAL_MS = 10_000;

/** Not in the list of calls, which it would fill all by itself. */
const unrecorded = createWatchlistClient({ baseUrl: location.origin });

const OVERALL: Readonly<Record<Health['status'], string>> = {
  ok: 'All that is configured answers.',
  degraded: 'Degraded: without Redis, requests are served more slowly.',
  down: 'Down: without its database the server can do nothing.',
};

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

/** How the server says it is, while this is open. */
export function HealthNow() {
  const { data, error, dataUpdatedAt } = useQuery({
    queryKey: ['health'],
    queryFn: look,
    refetchInterval: INTERVAL_MS,
    retry: false,
  });
  return (
    <section className="scene" aria-label="Health">
      <div className="scene-head">
        <h3>Health</h3>
        {dataUpdatedAt > 0 && <span className="hint">as of {clock.format(dataUpdatedAt)}</span>}
      </div>
      {/* Said again only when it is another. */}
      <p role="status" className={error === null ? 'hint' : 'hint refused'}>
        {error === null ? data && OVERALL[data.status] : messageOf(error)}
      </p>
      {data !== undefined && error === null && (
        <ul className="dependencies">
          <Dependency name="Server" state={data.status} />
          <Dependency name="Database" state={data.dependencies.database} />
          <Dependency name="Redis" state={data.dependencies.redis} />
        </ul>
      )}
      <p className="hint">Asked again every {INTERVAL_MS / 1000} s; not among the calls above.</p>
    </section>
  );
}

const TONES = { ok: 'good', degraded: 'warning', down: 'bad', disabled: 'neutral' } as const;

function Dependency({ name, state }: { readonly name: string; readonly state: keyof typeof TONES }) {
  return (
    <li className="dependency">
      {name} <span className={`pill pill-${TONES[state]}`}>{state}</span>
    </li>
  );
}

/** A server that is down says so with a 503, in the same shape. */
async function look(): Promise<Health> {
  const asking = unrecorded.GET('/v1/health/detailed');
  const outcome = await asking.catch(() => undefined);
  if (outcome?.response.status === 503 && isHealth(outcome.error)) return outcome.error;
  return answerOf(asking);
}

const isHealth = (body: unknown): body is Health =>
  typeof body === 'object' && body !== null && 'dependencies' in body;
