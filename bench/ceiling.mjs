// What cannot be avoided and nothing else, on bare node:http: one HMAC check of the token, the same Redis commands,
// the same bytes. No routing, no validation, no framework. What the server is measured against.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { Redis } from 'ioredis';

const { PORT, REDIS_URL, JWT_SECRET, HIT_SCRIPT, CEILING_BODY } = process.env;
const redis = new Redis(REDIS_URL);
redis.defineCommand('hit', { numberOfKeys: 1, lua: HIT_SCRIPT });
await redis.set('ceiling', CEILING_BODY);

function userOf(authorization) {
  const [header, payload, signature] = authorization.slice(7).split('.');
  const expected = createHmac('sha256', JWT_SECRET).update(`${header}.${payload}`).digest();
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new Error('bad signature');
  return JSON.parse(Buffer.from(payload, 'base64url').toString()).sub;
}

createServer(async (request, response) => {
  // Whether it has started is asked without a token.
  if (request.url === '/health') return response.end();
  const user = userOf(request.headers.authorization);
  for await (const _chunk of request);
  const [, remaining] = await redis.hit(`ceiling:${user}`, 100000, 1000);
  const body = request.method === 'GET' ? await redis.get('ceiling') : CEILING_BODY;
  response.writeHead(request.method === 'GET' ? 200 : 201, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'x-ratelimit-remaining': remaining,
  });
  response.end(body);
}).listen(Number(PORT), '127.0.0.1', () => console.log('listening'));
