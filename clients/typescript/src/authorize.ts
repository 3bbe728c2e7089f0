import type { Middleware } from 'openapi-fetch';

/**
 * Sends the access token, or a personal token, with each request: `client.use(authorize(() => token))`. It is asked for
 * anew each time, and may be waited for; without one (undefined) the request goes as it is, and so does one that has an
 * `Authorization` of its own.
 */
export function authorize(accessToken: () => string | undefined | Promise<string | undefined>): Middleware {
  return {
    async onRequest({ request }) {
      if (request.headers.has('authorization')) return;
      const token = await accessToken();
      if (token !== undefined) request.headers.set('authorization', `Bearer ${token}`);
    },
  };
}
