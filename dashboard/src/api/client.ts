import { createWatchlistClient } from '@watchlist/client';
import { recorded } from './calls.js';
import { accessToken, newerToken } from './session.js';

/** Every operation of the API, as whoever is signed in; each call is written down for *Behind the scenes*. */
export const api = createWatchlistClient({ baseUrl: location.origin, fetch: sendSignedIn });

async function sendSignedIn(request: Request): Promise<Response> {
  const token = await accessToken();
  if (token === null) return recorded(request);
  const again = request.clone();
  const answer = await recorded(authorized(request, token));
  // A wrong current password is a 401 too, but its challenge names no bad token.
  if (answer.status !== 401 || !/invalid_token/.test(answer.headers.get('www-authenticate') ?? ''))
    return answer;
  // The token may have been good until a moment ago, as far as can be known here; the session may still be.
  const newToken = await newerToken(token);
  return newToken === null ? answer : recorded(authorized(again, newToken));
}

function authorized(request: Request, token: string): Request {
  request.headers.set('authorization', `Bearer ${token}`);
  return request;
}
