import type { Socket } from 'node:net';
import cors from '@fastify/cors';
import { Logger } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Counter } from 'prom-client';
import type { Env } from '../../config/env.js';
import {
  BadRequestError,
  MethodNotAllowedError,
  NotFoundError,
  OverloadedError,
  RateLimitedError,
  UriTooLongError,
} from '../errors/common.errors.js';
import type { ProblemError } from '../errors/problem.error.js';
import { sendProblem } from '../errors/problem.filter.js';
import type { Metrics } from '../observability/metrics/metrics.js';
import { AddressLimiter } from '../rate-limit/address-limiter.js';
import { type RateLimitState, retryAfterSeconds } from '../rate-limit/rate-limits.js';
import { refusalsIn } from '../rate-limit/refusals-counter.js';
import { tracing } from '../observability/tracing/tracing.js';
import { AllowedMethods } from './wire/allowed-methods.js';
import {
  answerConnectAndExpect,
  type BrokenRequest,
  brokenRequestProblem,
  hasHost,
  MAXIMUM_HEAD_SIZE,
  MAXIMUM_URL_LENGTH,
  writeProblem,
} from './wire/client-error.js';
import { afterAnswers, answerEarly, letAnswerEarly } from './wire/drain-request-body.js';
import { limitConnections } from './connection-limit.js';
import { useStrictBodies } from './json-body.js';
import { OverloadDetector } from './overload.js';
import { originForm, pathOf } from './path.js';
import { requestContext } from './request-context.js';
import { requestIdOf } from './request-id.js';
import {
  DASHBOARD_CONTENT_SECURITY_POLICY,
  DOCS_CONTENT_SECURITY_POLICY,
  EXPOSED_HEADERS,
  SECURITY_HEADERS,
} from './security-headers.js';
import { askForWholeFile } from './ignore-range-headers.js';

const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
/** Longer than the idle time of the usual balancers, so that they, not we, close an idle connection. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;

/** Whether the process answers is told whatever happens: never counted, never shed. */
const isHealth = (path: string) => path === '/health' || path.startsWith('/health/');
/** Asked all the time, for its own sake: nobody looks for it in a trace. */
const isProbe = (path: string) => isHealth(path) || path === '/metrics';
/** Who watches over us asks these just when there is too much to do. They look at the database, so they are counted. */
const isWatched = (path: string) => isProbe(path) || path === '/v1/health/detailed';
const isDocs = (path: string) => path === '/docs' || path.startsWith('/docs/');
const isDashboard = (path: string) => path === '/dashboard' || path.startsWith('/dashboard/');
/**
 * What the page loads. The folder that Swagger's file server stands on holds more (`package.json`, source maps), and
 * what else it is asked for (`..`, NUL, endless names) it answers with errors of its own.
 */
const DOCS_FILE =
  /^\/docs\/(swagger-ui\.css|swagger-ui-(bundle|standalone-preset)\.js|favicon-(16x16|32x32)\.png)$/;

/** The path as its route has it, however the client spelled it: `/%761/auth/me` is `/v1/auth/me`. */
function routedPathOf(request: FastifyRequest): string {
  const { url } = request.routeOptions;
  return url === undefined || url === '*' ? pathOf(request.url) : url;
}

const isPreflight = ({ method, headers }: FastifyRequest) =>
  method === 'OPTIONS' &&
  headers.origin !== undefined &&
  headers['access-control-request-method'] !== undefined;

/**
 * Fastify with its edge set up: who is asking, how often, and whether what arrives is worth reading at all are
 * settled here, before Nest sees the request. The order of the checks is the contract's.
 */
export async function createHttpAdapter(env: Env, metrics: Metrics | null): Promise<FastifyAdapter> {
  const edge = new HttpEdge(env, metrics);
  const adapter = new FastifyAdapter({
    requestIdHeader: false,
    genReqId: requestIdOf,
    rewriteUrl: ({ url = '/' }) => originForm(url),
    trustProxy: env.TRUST_PROXY.length > 0 ? env.TRUST_PROXY : false,
    bodyLimit: env.BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    http: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: 1000,
      maxHeaderSize: MAXIMUM_HEAD_SIZE,
      // Node would answer these itself, in plain text and without a request id; `refusal` does.
      requireHostHeader: false,
    },
    // Our own answer while shutting down is a problem document (shutdown.ts).
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAXIMUM_HEAD_SIZE },
    skipMiddie: true,
    frameworkErrors: (_error: Error, request: FastifyRequest, reply: FastifyReply) =>
      edge.answerUndecodablePath(request, reply),
    clientErrorHandler: (error: Error, socket) => edge.answerBrokenRequest(error, socket),
  });
  const instance = adapter.getInstance() as unknown as FastifyInstance;
  tracing()?.requests.install(instance, (request) => !isProbe(routedPathOf(request)));
  await edge.install(instance);
  return adapter;
}

class HttpEdge {
  private readonly logger = new Logger('Http');
  private readonly addresses: AddressLimiter;
  private readonly states = new WeakMap<FastifyRequest, RateLimitState>();
  private methods!: AllowedMethods;
  private readonly overload: OverloadDetector | null;
  private untrustedProxySeen = false;

  private readonly refusals: ReturnType<typeof refusalsIn>;
  private readonly unreadable: Counter<'status'> | undefined;

  constructor(
    private readonly env: Env,
    metrics: Metrics | null,
  ) {
    this.addresses = new AddressLimiter(env);
    this.overload =
      env.MAX_EVENT_LOOP_DELAY_MS > 0 ? new OverloadDetector(env.MAX_EVENT_LOOP_DELAY_MS) : null;
    this.refusals = refusalsIn(metrics);
    this.unreadable = metrics?.counter({
      name: 'watchlist_http_unreadable_requests_total',
      help: 'What came that never became a request (no HTTP, no path, too large, too slow, CONNECT), by the status of the answer.',
      label: ['status', ['400', '404', '405', '408', '414', '429', '431']],
    });
  }

  async install(instance: FastifyInstance): Promise<void> {
    this.methods = new AllowedMethods(instance);
    limitConnections(instance.server, this.logger);
    useStrictBodies(instance);
    letAnswerEarly(instance);
    instance.addHook('onRequest', (request, reply, done) => {
      const { ip } = request;
      // Who has gone already has no address to be counted under, and no use for an answer.
      if (ip === undefined) {
        reply.hijack();
        request.raw.destroy();
        return;
      }
      // Kept: the socket forgets it when the client goes, while limits and audit still ask for it.
      Object.defineProperty(request, 'ip', { value: ip });
      this.receive(request, reply);
      done();
    });
    // Between the two: a refusal must carry the CORS headers too, or a browser's script cannot read it.
    await instance.register(cors, {
      origin: this.env.CORS_ORIGINS,
      methods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'],
      allowedHeaders: ['Authorization', 'Content-Type', 'If-Match', 'If-None-Match', 'X-Request-ID'],
      exposedHeaders: EXPOSED_HEADERS,
      // The refresh cookie; nothing else is decided by one.
      credentials: true,
      strictPreflight: false,
      // A preflight is answered below, where the other refusals are: it is counted, and no other OPTIONS is one.
      preflightContinue: true,
      maxAge: 600,
    });
    instance.addHook('onRequest', (request, reply, done) => {
      const refusal = this.refusal(request, reply);
      // Nest's error handler does not reach the CORS plugin's own route.
      if (request.method !== 'OPTIONS') done(refusal);
      else if (refusal) sendProblem(request, reply, refusal);
      else void reply.code(204).send();
    });
    answerConnectAndExpect(instance.server, (socket, target) =>
      this.answerByHand(socket, this.methods.unroutable('CONNECT', target)),
    );
    // Not earlier: reading the body leaves the asynchronous context in which an earlier hook ran.
    instance.addHook('preValidation', (request, _reply, done) => {
      requestContext.run({ requestId: request.id, address: request.ip }, done);
    });
    instance.addHook('onClose', (_instance, done) => {
      this.addresses.close();
      this.overload?.close();
      done();
    });
  }

  /** Fastify's router gives up on a path that it cannot decode before any hook runs. */
  answerUndecodablePath(request: FastifyRequest, reply: FastifyReply): void {
    this.receive(request, reply);
    const problem =
      this.overLimit(request, reply) ?? new BadRequestError('The path is not valid percent-encoded UTF-8.');
    answerEarly(request.raw, reply.raw);
    this.unreadable?.inc({ status: problem.status });
    sendProblem(request, reply, problem);
  }

  /** What is not even HTTP, or did not arrive in time, never becomes a request: the answer is written by hand. */
  answerBrokenRequest(error: BrokenRequest, socket: Socket): void {
    afterAnswers(error, socket, () =>
      this.answerByHand(
        socket,
        brokenRequestProblem(error, (method, target) => this.methods.unroutable(method, target)),
        error.rawPacket !== undefined,
      ),
    );
  }

  /** `isCounted`: not where all that is known is that nothing came. */
  private answerByHand(socket: Socket, refusal: ProblemError, isCounted = true): void {
    const checked = this.addresses.check(socket.remoteAddress ?? '', isCounted);
    const isKnownRoute = refusal instanceof NotFoundError || refusal instanceof MethodNotAllowedError;
    const problem =
      !isCounted || isKnownRoute || checked === null || checked.state.allowed
        ? refusal
        : this.tooMany(checked.state);
    this.unreadable?.inc({ status: problem.status });
    writeProblem(socket, problem, checked?.headers);
  }

  private receive(request: FastifyRequest, reply: FastifyReply): void {
    const path = routedPathOf(request);
    reply.header('x-request-id', request.id).headers(SECURITY_HEADERS);
    if (isDocs(path)) {
      reply.header('content-security-policy', DOCS_CONTENT_SECURITY_POLICY);
      askForWholeFile(request);
    } else if (isDashboard(path)) {
      reply.header('content-security-policy', DASHBOARD_CONTENT_SECURITY_POLICY);
    } else if (path.startsWith('/v1')) reply.header('cache-control', 'no-store');
    this.warnOfUntrustedProxy(request);
    const checked = this.addresses.check(request.ip, !isHealth(path));
    if (checked === null) return;
    reply.headers(checked.headers);
    if (!isHealth(path)) this.states.set(request, checked.state);
  }

  /** The contract's order: 404/405, 429, then what can be said without reading the body. */
  private refusal(request: FastifyRequest, reply: FastifyReply): ProblemError | undefined {
    if (isPreflight(request)) return this.overLimit(request, reply);
    if (request.is404 || request.method === 'OPTIONS')
      return this.methods.unroutable(request.method, request.url);
    const path = pathOf(request.url);
    const route = routedPathOf(request);
    if (route === '/docs/*' && !DOCS_FILE.test(path)) return new NotFoundError();
    const limited = this.overLimit(request, reply);
    if (limited) return limited;
    if (!hasHost(request.raw)) return new BadRequestError('The request must have exactly one Host header.');
    if (request.url.length > MAXIMUM_URL_LENGTH) return new UriTooLongError(MAXIMUM_URL_LENGTH);
    // The router would take what follows for a query; a fragment is the client's own business and never sent.
    if (request.url.includes('#')) {
      return new BadRequestError('The request target must not have a fragment (#).');
    }
    if (!isDecodable(request.url.slice(path.length))) {
      return new BadRequestError('The query is not valid percent-encoded UTF-8.');
    }
    if (!isWatched(route) && this.overload?.isOverloaded) return new OverloadedError();
    return undefined;
  }

  private overLimit(request: FastifyRequest, reply: FastifyReply): ProblemError | undefined {
    const state = this.states.get(request);
    if (state === undefined || state.allowed) return undefined;
    // An address over its limit must not keep connections open that others need.
    reply.raw.shouldKeepAlive = false;
    return this.tooMany(state);
  }

  private tooMany(state: RateLimitState): ProblemError {
    this.refusals?.inc({ policy: 'address' });
    return new RateLimitedError(retryAfterSeconds(state));
  }

  /** Behind a proxy that is not listed, all clients share one address: worth one line, before the complaints come. */
  private warnOfUntrustedProxy(request: FastifyRequest): void {
    if (this.untrustedProxySeen || this.env.NODE_ENV !== 'production') return;
    const forwarded = request.headers['x-forwarded-for'] ?? request.headers['forwarded'];
    if (forwarded === undefined || request.ip !== request.socket.remoteAddress) return;
    this.untrustedProxySeen = true;
    this.logger.warn(
      `${request.ip} sends a forwarding header and is not trusted: if it is your proxy, list it in TRUST_PROXY`,
    );
  }
}

function isDecodable(query: string): boolean {
  try {
    decodeURIComponent(query);
    return true;
  } catch {
    return false;
  }
}
