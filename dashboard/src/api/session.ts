import { useSyncExternalStore } from 'react';
import type { Account } from './types.js';
import { recorded } from './calls.js';

/**
 * Who is signed in. The access token is in this module's memory and nowhere else; the refresh token is in a cookie that
 * no script can read. So a new page asks the server who it is.
 */
export type Session =
  | { readonly state: 'starting' }
  | { readonly state: 'signed-out'; readonly reason: SignedOutReason }
  | { readonly state: 'signed-in'; readonly user: Account };

export type SignedOutReason = 'never' | 'asked' | 'ended' | 'erased' | 'unreachable';

interface AccessToken {
  readonly text: string;
  /** By `performance.now()`. */
  readonly expiresAt: number;
}

/** Only that there was somebody, so that a visitor who never signed in is not asked about. No token is kept here. */
const REMEMBERED = 'watchlist.signed-in';
/** A token that is about to expire is as good as none. */
const MARGIN_MS = 10_000;

let access: AccessToken | null = null;
let session: Session = { state: 'starting' };
const listeners = new Set<() => void>();
/** Other tabs have tokens of their own, of the same session. */
const tabs = new BroadcastChannel('watchlist.session');
tabs.addEventListener('message', ({ data }: MessageEvent<SignedOutReason | 'signed-in'>) => {
  if (data !== 'signed-in') become({ state: 'signed-out', reason: data });
  else if (session.state !== 'signed-in') void start();
});

export function useSession(): Session {
  return useSyncExternalStore(subscribe, () => session);
}

/** Who was signed in before the page was loaded still is. */
export async function start(): Promise<void> {
  if (localStorage.getItem(REMEMBERED) === null) become({ state: 'signed-out', reason: 'never' });
  else await refresh();
}

/** A token that is good for the next request; null when nobody is signed in. */
export async function accessToken(): Promise<string | null> {
  if (access === null) return null;
  if (performance.now() > access.expiresAt - MARGIN_MS) await refresh();
  return access?.text ?? null;
}

/** Takes the token that login or refresh answered with. */
export async function begin(token: { access_token: string; expires_in: number }): Promise<void> {
  access = { text: token.access_token, expiresAt: performance.now() + token.expires_in * 1000 };
  const answer = await recorded(
    new Request('/v1/auth/me', { headers: { authorization: `Bearer ${access.text}` } }),
  );
  if (!answer.ok) throw new Error(`/v1/auth/me answered ${answer.status}`);
  localStorage.setItem(REMEMBERED, 'true');
  const isNew = session.state !== 'signed-in';
  become({ state: 'signed-in', user: (await answer.json()) as Account });
  if (isNew) tabs.postMessage('signed-in');
}

/** The account has changed: its e-mail address, say. */
export function update(user: Account): void {
  become({ state: 'signed-in', user });
}

/** Here, and in the other tabs. What the server knows of the session is for the caller to end. */
export function end(reason: SignedOutReason): void {
  if (reason !== 'unreachable') {
    localStorage.removeItem(REMEMBERED);
    tabs.postMessage(reason);
  }
  become({ state: 'signed-out', reason });
}

let refreshing: Promise<void> | undefined;

/** Exchanges the cookie for a new access token; whoever asks meanwhile waits for the same one. */
export function refresh(): Promise<void> {
  refreshing ??= exchange().finally(() => (refreshing = undefined));
  return refreshing;
}

async function exchange(): Promise<void> {
  try {
    const answer = await recorded(
      new Request('/v1/auth/refresh', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ transport: 'cookie' }),
      }),
    );
    if (answer.ok) await begin((await answer.json()) as { access_token: string; expires_in: number });
    else end(answer.status === 401 || answer.status === 403 ? 'ended' : 'unreachable');
  } catch {
    end('unreachable');
  }
}

/** Calls `listener` whenever it is somebody else, or nobody, from now on; with who it was before. */
export function onUserChange(listener: (before: number | null) => void): void {
  let before = userId();
  subscribe(() => {
    if (userId() !== before) listener(before);
    before = userId();
  });
}

const userId = () => (session.state === 'signed-in' ? session.user.id : null);

function become(next: Session): void {
  if (next.state === 'signed-out') access = null;
  session = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
