import { HttpService } from '@nestjs/axios';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { AxiosError, isAxiosError, isCancel } from 'axios';
import {
  BrokenCircuitError,
  circuitBreaker,
  ConsecutiveBreaker,
  handleAll,
  handleWhen,
  type IPolicy,
  retry,
  timeout,
  TimeoutStrategy,
  wrap,
} from 'cockatiel';
import { firstValueFrom } from 'rxjs';
import { z } from 'zod';
import { exchange } from '../../common/observability/tracing/trace-http-call.js';
import { ENV, type Env } from '../../config/env.js';
import { UpstreamCircuitOpenError, UpstreamError, UpstreamTimeoutError } from './github.errors.js';

/** How long things may take, in milliseconds. */
export interface GithubClientOptions {
  /** One HTTP exchange, from connecting to the last byte of the body. */
  readonly tryTimeoutMs: number;
  /** A call of ours: both tries together. */
  readonly callTimeoutMs: number;
  /** How long GitHub is left alone after {@link FAILURES_TO_OPEN} failed calls in a row. */
  readonly circuitOpenMs: number;
}

export const GITHUB_CLIENT_OPTIONS = Symbol('GITHUB_CLIENT_OPTIONS');
export const GITHUB_CLIENT_DEFAULTS: GithubClientOptions = {
  tryTimeoutMs: 5000,
  callTimeoutMs: 10_000,
  circuitOpenMs: 30_000,
};

const FAILURES_TO_OPEN = 5;
/** GitHub's root document has 2.5 KB; counted after decompression. */
const MAX_BODY_BYTES = 65_536;
const JSON_MEDIA_TYPE = /^application\/([\w.-]+\+)?json *(;|$)/i;

/** GitHub's URLs may be templates (RFC 6570), so braces are fine; whitespace, controls and other schemes are not. */
export const HTTP_URL = /^https?:\/\/[0-9A-Za-z[][!-~]*$/;
export const HTTP_URL_MAX_LENGTH = 2048;

const httpUrl = z.string().max(HTTP_URL_MAX_LENGTH).regex(HTTP_URL);
const githubRoot = z.object({ current_user_url: httpUrl, rate_limit_url: httpUrl });

/** What we use of `GET https://api.github.com/`. */
export type GithubRoot = z.output<typeof githubRoot>;

@Injectable()
export class GithubClient {
  private readonly logger = new Logger(GithubClient.name);
  private readonly policy: IPolicy;
  private circuitClosesAt = 0;

  constructor(
    private readonly http: HttpService,
    @Inject(ENV) private readonly env: Env,
    @Inject(GITHUB_CLIENT_OPTIONS) options: GithubClientOptions,
  ) {
    // 4xx count as failures too: from GitHub they mean that we are blocked or out of quota, and asking on makes both worse.
    const breaker = circuitBreaker(handleAll, {
      halfOpenAfter: options.circuitOpenMs,
      breaker: new ConsecutiveBreaker(FAILURES_TO_OPEN),
    });
    breaker.onBreak(() => {
      this.circuitClosesAt = Date.now() + options.circuitOpenMs;
      this.logger.warn(`GitHub keeps failing; not called for ${options.circuitOpenMs / 1000} s`);
    });
    breaker.onReset(() => this.logger.log('GitHub answers again'));

    // The breaker stands outside the retry: it counts calls of ours, not tries. Cooperative, because the HTTP
    // client settles as soon as its signal is aborted; then a timeout has one face, its cancellation.
    this.policy = wrap(
      breaker,
      timeout(options.callTimeoutMs, TimeoutStrategy.Cooperative),
      retry(handleWhen(isWorthRetrying), { maxAttempts: 1 }),
      timeout(options.tryTimeoutMs, TimeoutStrategy.Cooperative),
    );
  }

  /**
   * @throws UpstreamError when there is no usable answer
   * @throws UpstreamTimeoutError when there is none in time
   * @throws UpstreamCircuitOpenError when GitHub was not asked because it keeps failing
   */
  async fetchRoot(): Promise<GithubRoot> {
    try {
      return await this.policy.execute(({ signal }) => this.tryFetchRoot(signal));
    } catch (error) {
      throw this.toProblem(error);
    }
  }

  private async tryFetchRoot(signal: AbortSignal): Promise<GithubRoot> {
    const url = this.env.GITHUB_API_URL;
    const response = await exchange({ method: 'GET', url }, (traceHeaders) =>
      firstValueFrom(
        this.http.get<unknown>(url, {
          // Not axios's `timeout`, which a body that drips in never trips.
          signal,
          maxRedirects: 0,
          maxContentLength: MAX_BODY_BYTES,
          responseType: 'json',
          // axios would look for HTTP_PROXY by itself; what configures us is in env.ts.
          proxy: false,
          // GitHub refuses callers without a user agent.
          headers: { accept: 'application/json', 'user-agent': 'watchlist-api', ...traceHeaders },
        }),
      ),
    );
    const mediaType = String(response.headers['content-type'] ?? 'no content type');
    if (!JSON_MEDIA_TYPE.test(mediaType)) throw new UpstreamError(`GitHub answered ${mediaType}, not JSON`);
    const root = githubRoot.safeParse(response.data);
    if (!root.success) {
      const issues = root.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
      throw new UpstreamError(`GitHub's answer is not what it should be: ${issues.join('; ')}`);
    }
    return root.data;
  }

  private toProblem(error: unknown): UpstreamError | UpstreamTimeoutError | UpstreamCircuitOpenError {
    if (error instanceof UpstreamError) return error;
    if (error instanceof BrokenCircuitError) {
      const seconds = Math.ceil((this.circuitClosesAt - Date.now()) / 1000);
      return new UpstreamCircuitOpenError(Math.max(1, seconds));
    }
    if (isCancel(error)) return new UpstreamTimeoutError();
    // Only these two: an AxiosError also carries sockets and the configured URL, which may hold credentials.
    const { code, message } = error as AxiosError;
    return new UpstreamError(`${code}: ${message}`);
  }
}

/** A timeout, a network error or a 5xx; never a 4xx, nor an answer that arrived whole and is useless. */
function isWorthRetrying(error: Error): boolean {
  if (!isAxiosError(error)) return false;
  // Without a response it is the network, our own time limit, or axios giving up on a body that is too large.
  if (!error.response) return error.code !== AxiosError.ERR_BAD_RESPONSE;
  // A 2xx among the errors is a body that broke off.
  return error.response.status >= 500 || error.response.status < 300;
}
