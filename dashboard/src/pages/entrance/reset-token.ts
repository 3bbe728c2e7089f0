import { useSyncExternalStore } from 'react';

/** `none`: no link was followed, or what it brought has been used. */
export type ResetToken =
  | { readonly state: 'none' }
  | { readonly state: 'malformed' }
  | { readonly state: 'given'; readonly text: string };

const PAGE = /^\/dashboard\/reset\/?$/;
const TOKEN = /^[\w-]{22}[.][\w-]{43}$/;

/** In memory only. A reload forgets it: the link is still where it came from. */
let token: ResetToken = { state: 'none' };
const listeners = new Set<() => void>();

/**
 * What is in the address bar is in the history, and in screenshots: so the token is gone from there before anything else
 * happens, also when another link is opened in the same tab.
 */
function takeFromAddress(): void {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (!PAGE.test(location.pathname) || given === null) return;
  history.replaceState(history.state, '', location.pathname);
  become(TOKEN.test(given) ? { state: 'given', text: given } : { state: 'malformed' });
}

// When this module is loaded: the router has not looked at the address yet. Nor has it, of what changes there later.
takeFromAddress();
addEventListener('popstate', takeFromAddress);
addEventListener('hashchange', takeFromAddress);

export function useResetToken(): ResetToken {
  return useSyncExternalStore(subscribe, () => token);
}

/** It has been used, or cannot be. */
export function forgetResetToken(): void {
  become({ state: 'none' });
}

function become(next: ResetToken): void {
  token = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
