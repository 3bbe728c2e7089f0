import { Obstacle } from './obstacle.mjs';

/** The server answers sooner, or not at all. */
const PATIENCE_MS = 30_000;
/** The longest page is a tenth of it. */
const MAXIMUM_BYTES = 2 ** 20;

/**
 * For a server that may be anything: it is followed nowhere, for what is sent on would be the password, to somebody who
 * was not asked what they are; and its answers have an end.
 *
 * @param {Request} request
 */
export async function cautiousFetch(request) {
  const response = await fetch(request, { redirect: 'manual', signal: AbortSignal.timeout(PATIENCE_MS) });
  const { body, status, statusText, headers, url } = response;
  const location = headers.get('location');
  if (status >= 300 && status < 400 && location !== null) {
    await body?.cancel();
    throw new Obstacle(
      `${url} redirects to ${location}, and is not followed. Set BASE_URL to where the API itself is.`,
      2,
    );
  }
  if (body === null) return response;
  // Of which no Response can be made.
  if (status > 599) throw new Obstacle(`What answers is not the API: ${status} from ${url}`);
  const bounded = new Response(Buffer.concat(await chunksOf(body, url)), { status, statusText, headers });
  return Object.defineProperty(bounded, 'url', { value: url });
}

/**
 * @param {ReadableStream<Uint8Array>} body
 * @param {string} url
 */
async function chunksOf(body, url) {
  const chunks = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAXIMUM_BYTES)
      throw new Obstacle(`What answers is not the API: more than ${MAXIMUM_BYTES} bytes from ${url}`);
    chunks.push(chunk);
  }
  return chunks;
}
