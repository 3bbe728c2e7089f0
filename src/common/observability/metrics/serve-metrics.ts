import { hash as digest, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Env } from '../../../config/env.js';
import { sendProblem } from '../../errors/problem.filter.js';
import { createMetricsServer } from './metrics-server.js';
import type { Unauthorized } from './metrics.module.js';
import { METRICS_MEDIA_TYPE, type Metrics } from './metrics.js';

/** `timingSafeEqual` needs inputs of equal length, and the comparison must not reveal the token's length. */
const fingerprint = (text: string) => digest('sha256', text, 'buffer');

/**
 * Serves `/metrics`: with METRICS_TOKEN on the API's port, and without a token on METRICS_PORT.
 *
 * @returns the server for METRICS_PORT, which does not listen yet
 */
export function serveMetrics(
  instance: FastifyInstance,
  metrics: Metrics,
  { METRICS_TOKEN, METRICS_PORT }: Env,
  unauthorized: Unauthorized,
): FastifyInstance | undefined {
  const answer = async (_request: FastifyRequest, reply: FastifyReply) =>
    reply
      .headers({ 'cache-control': 'no-store', 'content-type': METRICS_MEDIA_TYPE })
      .send(await metrics.text());

  if (METRICS_TOKEN !== undefined) {
    const expected = fingerprint(METRICS_TOKEN);
    instance.get('/metrics', async (request, reply) => {
      const { authorization } = request.headers;
      const token = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '';
      if (timingSafeEqual(fingerprint(token), expected)) return answer(request, reply);
      sendProblem(request, reply, unauthorized(authorization !== undefined));
      return reply;
    });
  }
  return METRICS_PORT === undefined ? undefined : createMetricsServer(answer);
}
