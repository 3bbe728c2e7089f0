import { useMutation } from '@tanstack/react-query';
import { api } from '../api/client.js';
import { callOf } from '../api/calls.js';
import { ApiProblem, messageOf, outcomeOf } from '../api/problem.js';
import { useSession } from '../api/session.js';
import { Button } from '../ui/button.js';
import { Notice } from '../ui/notice.js';
import { Cache } from './call-list.js';
import { inMilliseconds } from './milliseconds.js';

interface Asked {
  readonly cache: string;
  readonly milliseconds: number;
}

/** The list asked for twice, in a way in which nobody has asked for it lately: the second comes from the cache. */
export function CacheProof() {
  const isSignedIn = useSession().state === 'signed-in';
  const { mutate, data, error, isPending } = useMutation({ mutationFn: askTwice });
  return (
    <section className="scene" aria-label="Cache">
      <h3>Cache</h3>
      {isSignedIn ? (
        <Button isPending={isPending} onPress={() => mutate()}>
          Ask for my list twice
        </Button>
      ) : (
        <p className="hint">Lists are cached. Sign in to see what that saves.</p>
      )}
      {error !== null && (
        <Notice tone="error">{error instanceof ApiProblem ? error.message : messageOf(error)}</Notice>
      )}
      {data !== undefined && error === null && (
        <div role="status" className="proof">
          <Bar which="First" asked={data[0]} longest={longestOf(data)} />
          <Bar which="Second" asked={data[1]} longest={longestOf(data)} />
          <p className="hint">{verdictOn(data)}</p>
        </div>
      )}
    </section>
  );
}

interface BarProps {
  readonly which: string;
  readonly asked: Asked;
  readonly longest: number;
}

function Bar({ which, asked: { cache, milliseconds }, longest }: BarProps) {
  return (
    <div className="proof-bar">
      <span>{which}</span>
      <Cache outcome={cache} />
      <span className="proof-track" aria-hidden="true">
        <span
          className={`proof-fill proof-fill-${cache.toLowerCase()}`}
          style={{ width: `${(100 * milliseconds) / longest}%` }}
        />
      </span>
      <strong>{inMilliseconds(milliseconds)}</strong>
    </div>
  );
}

const longestOf = (pair: readonly [Asked, Asked]) =>
  Math.max(...pair.map(({ milliseconds }) => milliseconds));

function verdictOn([first, second]: readonly [Asked, Asked]): string {
  if (first.cache === 'BYPASS' || second.cache === 'BYPASS')
    return 'BYPASS: the cache is off or cannot be reached, so both were read from the database.';
  if (first.cache === 'MISS' && second.cache === 'HIT')
    return 'MISS was read from the database, HIT came from the cache. Times are this page’s: the way there and back is in both.';
  return 'Something else has read or changed the list in between. Ask again.';
}

/** No page asks for so few, or for so many, at a time; what was asked for lately is in the cache already. */
const [FEWEST, MOST] = [11, 100];
let limit = FEWEST + Math.floor(Math.random() * (MOST - FEWEST));

async function askTwice(): Promise<readonly [Asked, Asked]> {
  limit = limit === MOST ? FEWEST : limit + 1;
  const query = { limit };
  const first = await ask(query);
  return [first, await ask(query)];
}

async function ask(query: { readonly limit: number }): Promise<Asked> {
  // Not from the browser's own cache, nor with what it would ask by: it is the server's that this is about.
  const { response } = await outcomeOf(api.GET('/v1/watchlists', { params: { query }, cache: 'no-store' }));
  return {
    cache: response.headers.get('x-cache') ?? 'BYPASS',
    milliseconds: callOf(response.headers.get('x-request-id'))?.milliseconds ?? 0,
  };
}
