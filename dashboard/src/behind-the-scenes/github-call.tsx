import { useMutation } from '@tanstack/react-query';
import { callOf } from '../api/calls.js';
import { api } from '../api/client.js';
import { ApiProblem, outcomeOf } from '../api/problem.js';
import { Button } from '../ui/button.js';
import { inMilliseconds } from './milliseconds.js';
import { secondsUntil, useNow } from './now.js';
import { Status } from './status.js';

/** Somebody else's API, through ours: what it answers, or how its failure is told. */
export function GithubCall() {
  const { mutate, data, error, isPending } = useMutation({ mutationFn: ask });
  return (
    <section className="scene" aria-label="GitHub">
      <h3>GitHub</h3>
      <Button isPending={isPending} onPress={() => mutate()}>
        {isPending ? 'Asking GitHub…' : 'Ask GitHub'}
      </Button>
      {data !== undefined && (
        <div role="status" className="answer">
          <p className="call-line">
            <Status status={200} />
            <span>{inMilliseconds(data.milliseconds)}</span>
            <span className="hint">kept for a minute</span>
          </p>
          <dl>
            <dt>github_api_status</dt>
            <dd>{data.github_api_status}</dd>
            <dt>current_user_url</dt>
            <dd>{data.current_user_url}</dd>
            <dt>rate_limit_url</dt>
            <dd>{data.rate_limit_url}</dd>
          </dl>
        </div>
      )}
      {error !== null && <Problem failure={error as Failure} />}
    </section>
  );
}

/** When it failed, so that it can be counted from there. */
class Failure extends Error {
  readonly at = Date.now();

  constructor(readonly problem: unknown) {
    super('GitHub could not be asked.');
  }
}

function Problem({ failure: { problem, at } }: { readonly failure: Failure }) {
  const retryAfter = problem instanceof ApiProblem ? problem.retryAfter : null;
  const now = useNow(retryAfter !== null);
  const wait = retryAfter === null ? 0 : secondsUntil(at + retryAfter * 1000, now);
  if (!(problem instanceof ApiProblem)) return <p role="alert">Something went wrong in this page.</p>;
  return (
    <div className="answer">
      <div role="alert">
        <p className="call-line">
          <Status status={problem.status} />
          <code className="hint">{problem.code}</code>
        </p>
        <p>{problem.message}</p>
      </div>
      {retryAfter !== null && (
        <p className="refused">{wait === 0 ? 'It is asked again now.' : `It is left alone for ${wait} s.`}</p>
      )}
    </div>
  );
}

async function ask() {
  try {
    const { data, response } = await outcomeOf(api.GET('/v1/external/github'));
    const milliseconds = callOf(response.headers.get('x-request-id'))?.milliseconds ?? 0;
    return { ...data, milliseconds };
  } catch (error) {
    throw new Failure(error);
  }
}
