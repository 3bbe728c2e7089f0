import createClient, { type ClientOptions } from 'openapi-fetch';
import { unwrap } from './problem.js';
import type { components, paths } from './schema.js';

/** What signing in and renewing answer. */
export type Tokens = components['schemas']['TokenResponse'];

/** So long before its end a token is not used any more: it has to arrive. */
const MARGIN_MS = 30_000;

/**
 * For {@link authorize}, in programs that run for longer than an access token: it is exchanged shortly before its end,
 * `client.use(authorize(renewing({ baseUrl }, tokens)))`. A refresh token is good once, so that all who ask at the same
 * time wait for the same exchange. When the session has ended, their calls reject with the ProblemError
 * `INVALID_REFRESH_TOKEN`.
 *
 * @param options as the client's, which itself cannot be used: it would ask for a token first
 * @param tokens of signing in with the transport `body`
 */
export function renewing(options: ClientOptions, tokens: Tokens): () => Promise<string> {
  const client = createClient<paths>(options);
  const endOf = ({ expires_in }: Tokens) => Date.now() + expires_in * 1000 - MARGIN_MS;
  let current = tokens;
  let end = endOf(tokens);
  let exchange: Promise<void> | undefined;

  async function renew(): Promise<void> {
    const body = { refresh_token: current.refresh_token };
    current = unwrap(await client.POST('/v1/auth/refresh', { body }));
    end = endOf(current);
  }

  return async () => {
    if (Date.now() >= end) {
      exchange ??= renew().finally(() => (exchange = undefined));
      await exchange;
    }
    return current.access_token;
  };
}
