import { fastify } from 'fastify';
import { parseEnv } from '../../../config/env.js';
import { createLogger } from './logger.js';
import { requestLogger } from './request-log.js';

const JWT_SECRET = 'Jq3vT9xLw2ZbR7mKd5HcYf8NsGp4UaE1';

describe(requestLogger.name, () => {
  it('logs one line per request, with the template of the route and without the path and the query', async () => {
    const lines: string[] = [];
    const logger = createLogger(parseEnv({ JWT_SECRET }), { write: (line) => lines.push(line) });
    const server = fastify({ genReqId: () => 'request-1' });
    server.addHook('onResponse', requestLogger(logger));
    server.get('/users/:email', (request, reply) => {
      Object.assign(request, { user: { id: 7 } });
      return reply.code(418).send('short and stout');
    });
    server.get('/public', () => 'hello');
    await server.inject('/users/ada@example.com?token=sesame');
    await server.inject('/public');
    await server.inject('/nowhere/ada@example.com');
    await server.close();
    const line = {
      level: 'info',
      time: expect.any(String),
      msg: 'request',
      request_id: 'request-1',
      method: 'GET',
      duration_ms: expect.any(Number),
      address: '127.0.0.1',
    };
    expect(lines.map((text) => JSON.parse(text) as unknown)).toEqual([
      { ...line, route: '/users/:email', status: 418, user_id: 7 },
      { ...line, route: '/public', status: 200, user_id: null },
      { ...line, route: null, status: 404, user_id: null },
    ]);
  });
});
