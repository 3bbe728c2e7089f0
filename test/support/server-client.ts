import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { PASSWORD, randomEmail } from './actors.js';

/** For a server process whose limits are not what a test is about; signing in is as cheap as it may be. */
export const ROOMY = {
  JWT_SECRET: 'Jq3vT9xLw2ZbR7mKd5HcYf8NsGp4UaE1',
  BCRYPT_COST: '10',
  RATE_LIMIT_LOGIN: '0',
  RATE_LIMIT_REGISTER: '0',
  RATE_LIMIT_LIST: '0',
  RATE_LIMIT_WRITE: '0',
  RATE_LIMIT_DEFAULT: '0',
  RATE_LIMIT_ADDRESS: '0',
  LOGIN_LOCKOUT: '0',
  MAX_CONNECTIONS_PER_ADDRESS: '0',
  // A machine that pauses is no overload.
  MAX_EVENT_LOOP_DELAY_MS: '0',
  GITHUB_API_URL: 'http://127.0.0.1:9',
};

/** Longer than anything that ends by itself. */
const DEADLINE_MS = 60_000;

export interface Call {
  readonly method?: string;
  readonly path: string;
  readonly token?: string;
  readonly body?: object;
  readonly requestId?: string;
  readonly ifNoneMatch?: string;
  readonly traceparent?: string;
  readonly tracestate?: string;
  /** Whose connections are used, where that matters. */
  readonly agent?: Agent;
}

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: any;
}

export interface Member {
  readonly id: number;
  readonly email: string;
  readonly token: string;
}

const everybodys = new Agent({ keepAlive: true });

/** One request; rejects when the connection breaks or when there is no answer for a minute. */
export function call(
  url: string,
  { method, path, token, body, requestId, ifNoneMatch, traceparent, tracestate, agent = everybodys }: Call,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${url}${path}`, {
      agent,
      method: method ?? (body ? 'POST' : 'GET'),
      signal: AbortSignal.timeout(DEADLINE_MS),
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body && { 'content-type': 'application/json' }),
        ...(requestId && { 'x-request-id': requestId }),
        ...(ifNoneMatch && { 'if-none-match': ifNoneMatch }),
        ...(traceparent && { traceparent }),
        ...(tracestate && { tracestate }),
      },
    });
    outgoing.on('response', (response) => {
      text(response).then(
        (content) =>
          resolve({
            status: response.statusCode!,
            headers: response.headers as Record<string, string>,
            body: content === '' ? undefined : JSON.parse(content),
          }),
        reject,
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body && JSON.stringify(body));
  });
}

/** Registers somebody and signs them in. */
export async function signUp(url: string): Promise<Member> {
  const email = randomEmail();
  const credentials = { email, password: PASSWORD };
  const registered = await call(url, { path: '/v1/auth/register', body: credentials });
  const signedIn = await call(url, { path: '/v1/auth/login', body: credentials });
  if (registered.status !== 201 || signedIn.status !== 200)
    throw new Error(`registered with ${registered.status}, signed in with ${signedIn.status}`);
  return { id: registered.body.user.id, email, token: signedIn.body.access_token };
}
