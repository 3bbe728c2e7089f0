import { hash as digest, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Env } from '../../../config/env.js';
import { sendProblem } from '../../errors/problem.filter.js';
import { countRequests } from './http-requests.js';
import { createMetricsServer } from './metrics-server.js';
import type { Unauthorized } from './metrics.module.js';
import { METRICS_MEDIA_TYPE, type Metrics } from './metrics.js';

/** As a fixed number of bytes, which say nothing of the text: what is compared takes as long whatever is sent. */
const fingerprint = (text: string) => digest('sha256', text, 'buffer');

/**
 * `/metrics`: to whoever has METRICS_TOKEN, and to everybody who reaches METRICS_PORT.
 *
 * @returns what is to listen on METRICS_PORT
 */
export function serveMetrics(
  instance: FastifyInstance,
  metrics: Metrics,
  { METRICS_TOKEN, METRICS_PORT }: Env,
  unauthorized: Unauthorized,
): FastifyInstance | undefined {
  countRequests(instance, metrics);
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
