import { createTestApp, type TestApp } from './create-test-app.js';

/** Of supertest or by hand. */
export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: unknown;
}

/** What an answer says about a limit, in both dialects. */
export function limitOf({ headers }: Pick<Answer, 'headers'>) {
  const [, policy, quota, window] = /^"(\w+)";q=(\d+);w=(\d+)$/.exec(headers['ratelimit-policy'] ?? '') ?? [];
  const [, samePolicy, left, until] = /^"(\w+)";r=(\d+);t=(\d+)$/.exec(headers['ratelimit'] ?? '') ?? [];
  return {
    policy,
    samePolicy,
    quota: Number(quota),
    window: Number(window),
    left: Number(left),
    until: Number(until),
    limit: Number(headers['x-ratelimit-limit']),
    remaining: Number(headers['x-ratelimit-remaining']),
    reset: Number(headers['x-ratelimit-reset']),
  };
}
export const remainingOf = (answer: Pick<Answer, 'headers'>) => limitOf(answer).remaining;

/** All are on their way before the first is answered. */
export const inParallel = <T>(count: number, ask: (index: number) => PromiseLike<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => ask(index)));

export const passed = (answers: readonly Answer[]) => answers.filter(({ status }) => status !== 429);

/** Exactly the limit passed, each of them was told another number of calls left, and the rest were refused. */
export function expectExactly(limit: number, answers: readonly Answer[]): void {
  expect(passed(answers).map(remainingOf)).toHaveLength(limit);
  expect(
    passed(answers)
      .map(remainingOf)
      .sort((a, b) => b - a),
  ).toEqual(Array.from({ length: limit }, (_, index) => limit - 1 - index));
  for (const answer of answers.filter(({ status }) => status === 429)) expect(remainingOf(answer)).toBe(0);
}

/** A server with this environment while `use` runs. */
export async function withServer(
  env: Record<string, string>,
  use: (server: TestApp) => Promise<void>,
): Promise<void> {
  const server = await createTestApp({ env });
  try {
    await use(server);
  } finally {
    await server.close();
  }
}
