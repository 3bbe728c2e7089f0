import type { Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
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
import type { Metrics } from '../observability/metrics/metrics.js';
import { AddressLimiter } from '../rate-limit/address-limiter.js';
import { type RateLimitState, retryAfterSeconds } from '../rate-limit/rate-limits.js';
import { refusalsCounter } from '../rate-limit/refusals-counter.js';
import { OverloadDetector } from './overload.js';
import { pathOf } from './path.js';
import { MAXIMUM_URL_LENGTH } from './request-limits.js';
import { routeClassOf, routePathOf } from './route-class.js';
import { SECURITY_HEADERS, SECURITY_HEADERS_WITH_SUBDOMAINS } from './security-headers.js';
import { hasHost, Wire, writeProblem } from './wire/wire.js';

/** The files that the documentation page loads. Swagger's folder holds more files (`package.json`, source maps). */
const DOCS_FILE =
  /^\/docs\/(swagger-ui\.css|swagger-ui-(bundle|standalone-preset)\.js|favicon-(16x16|32x32)\.png)$/;

/** A file server has its own errors for these headers, so they are removed and it serves the whole file. */
const FILE_HEADERS = ['range', 'if-match', 'if-unmodified-since'];

/** The checks that need neither the body nor the user. They run before Nest sees the request. */
export class EarlyChecks {
  readonly wire = new Wire({
    onUndecodablePath: (request, reply) => this.undecodablePathProblem(request, reply),
    onUnreadable: (socket, problem, hasData) => this.rejectUnreadable(socket, problem, hasData),
  });
  private readonly logger = new Logger('Http');
  private readonly addresses: AddressLimiter;
  private readonly limitStates = new WeakMap<FastifyRequest, RateLimitState>();
  private readonly overload: OverloadDetector | null;
  private readonly rateLimited: ReturnType<typeof refusalsCounter>;
  private readonly unreadable: Counter<'status'> | undefined;
  private readonly securityHeaders: Record<string, string>;
  private hasWarnedOfProxy = false;

  constructor(
    private readonly env: Env,
    metrics: Metrics | null,
  ) {
    this.securityHeaders = env.HSTS_INCLUDE_SUBDOMAINS ? SECURITY_HEADERS_WITH_SUBDOMAINS : SECURITY_HEADERS;
    this.addresses = new AddressLimiter(env);
    this.overload =
      env.MAX_EVENT_LOOP_DELAY_MS > 0 ? new OverloadDetector(env.MAX_EVENT_LOOP_DELAY_MS) : null;
    this.rateLimited = refusalsCounter(metrics);
    this.unreadable = metrics?.counter({
      name: 'watchlist_http_unreadable_requests_total',
      help: 'Requests that the server could not read (no HTTP, no path, too large, too slow, CONNECT), by status of the response.',
      label: ['status', ['400', '404', '405', '408', '414', '429', '431']],
    });
  }

  /** Sets the headers that every response has, and counts the request toward the limit of its address. */
  onArrival(request: FastifyRequest, reply: FastifyReply): void {
    const { isCounted, servesFiles, headers } = routeClassOf(request);
    reply.header('x-request-id', request.id).headers(this.securityHeaders);
    if (headers) reply.headers(headers);
    if (servesFiles) for (const name of FILE_HEADERS) delete request.headers[name];
    this.warnOfUntrustedProxy(request);
    const checked = this.addresses.check(request.ip, isCounted);
    if (checked === null) return;
    reply.headers(checked.headers);
    if (isCounted) this.limitStates.set(request, checked.state);
  }

  /** The order is part of the API: 404 or 405, then 429, then the errors that need only the head of the request. */
  reject(request: FastifyRequest, reply: FastifyReply): ProblemError | undefined {
    if (isPreflight(request)) return this.overLimit(request, reply);
    if (request.is404 || request.method === 'OPTIONS')
      return this.wire.problemWithoutRoute(request.method, request.url);
    const path = pathOf(request.url);
    if (routePathOf(request) === '/docs/*' && !DOCS_FILE.test(path)) return new NotFoundError();
    const limited = this.overLimit(request, reply);
    if (limited) return limited;
    if (!hasHost(request.raw)) return new BadRequestError('The request must have exactly one Host header.');
    if (request.url.length > MAXIMUM_URL_LENGTH) return new UriTooLongError(MAXIMUM_URL_LENGTH);
    // The router would take the text after the # for a query. Clients must not send a fragment.
    if (request.url.includes('#')) {
      return new BadRequestError('The request target must not have a fragment (#).');
    }
    if (!isDecodable(request.url.slice(path.length))) {
      return new BadRequestError('The query is not valid percent-encoded UTF-8.');
    }
    if (routeClassOf(request).isShed && this.overload?.isOverloaded) return new OverloadedError();
    return undefined;
  }

  close(): void {
    this.addresses.close();
    this.overload?.close();
  }

  /** No hook has run for such a request, so its arrival is handled here. */
  private undecodablePathProblem(request: FastifyRequest, reply: FastifyReply): ProblemError {
    this.onArrival(request, reply);
    const problem =
      this.overLimit(request, reply) ?? new BadRequestError('The path is not valid percent-encoded UTF-8.');
    this.unreadable?.inc({ status: problem.status });
    return problem;
  }

  /** `hasData`: the client sent bytes. A connection that stayed silent does not count toward the limit. */
  private rejectUnreadable(socket: Socket, problem: ProblemError, hasData: boolean): void {
    const checked = this.addresses.check(socket.remoteAddress ?? '', hasData);
    const isRouting = problem instanceof NotFoundError || problem instanceof MethodNotAllowedError;
    const isLimited = hasData && !isRouting && checked !== null && !checked.state.allowed;
    const answered = isLimited ? this.tooMany(checked.state) : problem;
    this.unreadable?.inc({ status: answered.status });
    writeProblem(socket, answered, checked?.headers);
  }

  private overLimit(request: FastifyRequest, reply: FastifyReply): ProblemError | undefined {
    const state = this.limitStates.get(request);
    if (state === undefined || state.allowed) return undefined;
    // An address over its limit must not occupy connections that other clients need.
    reply.raw.shouldKeepAlive = false;
    return this.tooMany(state);
  }

  private tooMany(state: RateLimitState): ProblemError {
    this.rateLimited?.inc({ policy: 'address' });
    return new RateLimitedError(retryAfterSeconds(state));
  }

  /** Behind a proxy that TRUST_PROXY does not list, all clients share one address and its rate limit. */
  private warnOfUntrustedProxy(request: FastifyRequest): void {
    if (this.hasWarnedOfProxy || this.env.NODE_ENV !== 'production') return;
    const forwarded = request.headers['x-forwarded-for'] ?? request.headers['forwarded'];
    if (forwarded === undefined || request.ip !== request.socket.remoteAddress) return;
    this.hasWarnedOfProxy = true;
    this.logger.warn(
      `${request.ip} sends a forwarding header and is not trusted: if it is your proxy, list it in TRUST_PROXY`,
    );
  }
}

function isPreflight({ method, headers }: FastifyRequest): boolean {
  return (
    method === 'OPTIONS' &&
    headers.origin !== undefined &&
    headers['access-control-request-method'] !== undefined
  );
}

function isDecodable(query: string): boolean {
  try {
    decodeURIComponent(query);
    return true;
  } catch {
    return false;
  }
}
