import { useSyncExternalStore } from 'react';
import { anonymous } from './anonymous.js';
import { answerOf, hasStatus } from './problem.js';
import type { Account } from './types.js';

/**
 * Who is signed in. The access token is in this module's memory and nowhere else; the refresh token is in a cookie that
 * no script can read. So a new page asks the server who it is.
 */
export type Session =
  | { readonly state: 'starting' }
  | { readonly state: 'signed-out'; readonly reason: SignedOutReason }
  | { readonly state: 'signed-in'; readonly user: Account };

/** `unconfirmed`: asked for, but the server could not be told. `unreachable`: nobody knows yet. */
export type SignedOutReason =
  'never' | 'asked' | 'unconfirmed' | 'ended' | 'erased' | 'password-set' | 'unreachable';

interface AccessToken {
  readonly text: string;
  /** By `performance.now()`, which nobody sets to another time. It may stand still while the computer sleeps. */
  readonly expiresAt: number;
}

type NewToken = { readonly access_token: string; readonly expires_in: number };

type Message =
  | { readonly about: 'begin' }
  | { readonly about: 'change'; readonly user: Account }
  | { readonly about: 'end'; readonly reason: SignedOutReason };

/** Only that there was somebody, so that a visitor who never signed in is not asked about. No token is kept here. */
const REMEMBERED = 'watchlist.signed-in';
/** Without the cookie each tab is signed in by itself, and until it is reloaded. */
const memory = window.isSecureContext ? localStorage : sessionStorage;
/** What is kept there when the server has still to be told that they went. */
const LEAVING = 'leaving';
/** A token that is about to expire is as good as none. */
const MARGIN_MS = 10_000;
/** Well within the time that the server takes the last refresh token once more. */
const RETRY_MS = 1000;

let access: AccessToken | null = null;
let session: Session = { state: 'starting' };
const listeners = new Set<() => void>();

/** Other tabs have access tokens of their own, of the same session: they share the cookie. */
const tabs = new BroadcastChannel('watchlist.session');
tabs.addEventListener('message', ({ data }: MessageEvent<Message>) => {
  if (!window.isSecureContext) return;
  // What the other tab remembers may come later than its message: each may be a process of its own.
  if (data.about === 'begin') void refresh().catch(() => undefined);
  else if (session.state === 'signed-out') return;
  else if (data.about === 'end') become({ state: 'signed-out', reason: data.reason });
  else become({ state: 'signed-in', user: data.user });
});
addEventListener('online', () => {
  if (session.state === 'signed-out' && session.reason === 'unreachable') void start();
});

export function useSession(): Session {
  return useSyncExternalStore(subscribe, () => session);
}

/** Finds out who is signed in: whoever was before the page was loaded still is, unless it ended meanwhile. */
export async function start(): Promise<Session> {
  const remembered = memory.getItem(REMEMBERED);
  if (remembered === null) become({ state: 'signed-out', reason: 'never' });
  else if (remembered === LEAVING) await signOut();
  // What went wrong is in the session.
  else await refresh().catch(() => undefined);
  return session;
}

/**
 * A token that is good for the next request; null when nobody is signed in.
 *
 * @throws ApiProblem when somebody is, but there is no getting a new one at the moment
 */
export async function accessToken(): Promise<string | null> {
  if (session.state !== 'signed-in') return null;
  if (access === null || performance.now() > access.expiresAt - MARGIN_MS) await refresh();
  return access?.text ?? null;
}

/** As {@link accessToken}, for whoever was refused with this one. Of several who were, one has it exchanged. */
export async function newerToken(refused: string): Promise<string | null> {
  if (access?.text === refused) await refresh();
  return access?.text ?? null;
}

/**
 * Somebody has signed in, and this is the token that they were given.
 *
 * @throws ApiProblem when it cannot be asked whose it is
 */
export async function begin(token: NewToken): Promise<void> {
  await take(token);
  tell({ about: 'begin' });
}

/** The account has changed: its e-mail address, say. */
export function update(user: Account): void {
  become({ state: 'signed-in', user });
  tell({ about: 'change', user });
}

/** Ends the session, on this page in any case. While the server cannot be told, the next page tries again. */
export async function signOut(): Promise<void> {
  try {
    await leave();
  } catch {
    end('unconfirmed');
    return;
  }
  end('asked');
}

/** Here, and in the other tabs. What the server knows of the session is for the caller to end. */
export function end(reason: SignedOutReason): void {
  // What could be told only with the token that is forgotten here cannot be told later.
  if (reason === 'unconfirmed' && window.isSecureContext) memory.setItem(REMEMBERED, LEAVING);
  else memory.removeItem(REMEMBERED);
  if (session.state === 'signed-in') tell({ about: 'end', reason });
  become({ state: 'signed-out', reason });
}

let refreshing: Promise<void> | undefined;

/**
 * Exchanges the cookie for a new access token; whoever asks meanwhile waits for the same one.
 *
 * @throws ApiProblem when the server can say neither yes nor no: whoever is signed in stays so, and can try again
 */
export function refresh(): Promise<void> {
  refreshing ??= inTurn(exchange).finally(() => (refreshing = undefined));
  return refreshing;
}

/** One tab after the other: the second must not come with what the first has exchanged long ago, by a slow network. */
function inTurn(act: () => Promise<void>): Promise<void> {
  // Locks, as the cookie, are for secure contexts.
  const locks = navigator.locks as LockManager | undefined;
  return locks === undefined ? act() : locks.request('watchlist.refresh', act);
}

async function exchange(): Promise<void> {
  try {
    await take(await answered(() => anonymous.POST('/v1/auth/refresh', { body: { transport: 'cookie' } })));
  } catch (error) {
    if (hasStatus(error, 401, 403)) {
      end('ended');
      return;
    }
    if (session.state !== 'signed-in') become({ state: 'signed-out', reason: 'unreachable' });
    throw error;
  }
}

async function take(token: NewToken): Promise<void> {
  const expiresAt = performance.now() + token.expires_in * 1000;
  const headers = { authorization: `Bearer ${token.access_token}` };
  const user = await answerOf(anonymous.GET('/v1/auth/me', { headers }));
  access = { text: token.access_token, expiresAt };
  memory.setItem(REMEMBERED, 'true');
  become({ state: 'signed-in', user });
}

/**
 * An answer that is lost on its way takes the next cookie with it. The server takes the last one again for some seconds;
 * later it would have to think that somebody has stolen it.
 */
async function answered<Data>(ask: () => Parameters<typeof answerOf<Data>>[0]): Promise<Data> {
  try {
    return await answerOf(ask());
  } catch (error) {
    if (!hasStatus(error, 0)) throw error;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    return answerOf(ask());
  }
}

/** By the access token; where there is none, or it has expired, by the cookie. */
async function leave(): Promise<void> {
  const logOut = async (headers: Record<string, string>) => {
    await answerOf(anonymous.POST('/v1/auth/logout', { body: {}, headers }));
  };
  try {
    await logOut(access === null ? {} : { authorization: `Bearer ${access.text}` });
  } catch (error) {
    if (!hasStatus(error, 401)) throw error;
    // Neither one nor the other: it had ended already.
    if (access !== null) await logOut({}).catch((again) => hasStatus(again, 401) || Promise.reject(again));
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

const tell = (message: Message) => tabs.postMessage(message);

function become(next: Session): void {
  if (next.state === 'signed-out') access = null;
  session = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
