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
import { traceHttpCall } from '../../common/observability/tracing/trace-http-call.js';
import { ENV, type Env } from '../../config/env.js';
import { UpstreamCircuitOpenError, UpstreamError, UpstreamTimeoutError } from './github.errors.js';

/** All in milliseconds. */
export interface GithubClientOptions {
  /** One try, from connecting to the last byte of the body. */
  readonly tryTimeoutMs: number;
  /** Both tries together. */
  readonly callTimeoutMs: number;
  /** How long the circuit stays open after {@link FAILURES_TO_OPEN} failed calls in a row. */
  readonly circuitOpenMs: number;
}

export const GITHUB_CLIENT_OPTIONS = Symbol('GITHUB_CLIENT_OPTIONS');
export const GITHUB_CLIENT_DEFAULTS: GithubClientOptions = {
  tryTimeoutMs: 5000,
  callTimeoutMs: 10_000,
  circuitOpenMs: 30_000,
};

const FAILURES_TO_OPEN = 5;
/** After decompression. GitHub's root document has 2.5 KB. */
const MAX_BODY_BYTES = 65_536;
const JSON_MEDIA_TYPE = /^application\/([\w.-]+\+)?json *(;|$)/i;

/** GitHub's URLs can be templates (RFC 6570) with braces. Whitespace, control characters and other schemes are invalid. */
export const HTTP_URL = /^https?:\/\/[0-9A-Za-z[][!-~]*$/;
export const HTTP_URL_MAX_LENGTH = 2048;

const httpUrl = z.string().max(HTTP_URL_MAX_LENGTH).regex(HTTP_URL);
const githubRoot = z.object({ current_user_url: httpUrl, rate_limit_url: httpUrl });

/** The used part of `GET https://api.github.com/`. */
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
    // A 4xx also counts as a failure, because it means that GitHub blocks this server or its quota is used up.
    const breaker = circuitBreaker(handleAll, {
      halfOpenAfter: options.circuitOpenMs,
      breaker: new ConsecutiveBreaker(FAILURES_TO_OPEN),
    });
    breaker.onBreak(() => {
      this.circuitClosesAt = Date.now() + options.circuitOpenMs;
      this.logger.warn(
        `GitHub failed ${FAILURES_TO_OPEN} times in a row, so it is not called for ${options.circuitOpenMs / 1000} s`,
      );
    });
    breaker.onReset(() => this.logger.log('GitHub responds again'));

    // The breaker is outside of the retry, so that it counts calls and not tries. The timeouts are cooperative, because
    // the HTTP client rejects as soon as its signal is aborted, so every timeout is a cancellation.
    this.policy = wrap(
      breaker,
      timeout(options.callTimeoutMs, TimeoutStrategy.Cooperative),
      retry(handleWhen(isWorthRetrying), { maxAttempts: 1 }),
      timeout(options.tryTimeoutMs, TimeoutStrategy.Cooperative),
    );
  }

  /**
   * @throws UpstreamError if GitHub fails or its response is invalid
   * @throws UpstreamTimeoutError if GitHub does not respond in time
   * @throws UpstreamCircuitOpenError while the circuit is open
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
    const response = await traceHttpCall({ method: 'GET', url }, (traceHeaders) =>
      firstValueFrom(
        this.http.get<unknown>(url, {
          // Not axios's `timeout`, which does not limit a body that arrives slowly.
          signal,
          maxRedirects: 0,
          maxContentLength: MAX_BODY_BYTES,
          responseType: 'json',
          // axios would read HTTP_PROXY itself, but only env.ts configures this server.
          proxy: false,
          // GitHub rejects requests without a user agent.
          headers: { accept: 'application/json', 'user-agent': 'watchlist-api', ...traceHeaders },
        }),
      ),
    );
    const mediaType = String(response.headers['content-type'] ?? 'no content type');
    if (!JSON_MEDIA_TYPE.test(mediaType)) throw new UpstreamError(`GitHub answered ${mediaType}, not JSON`);
    const root = githubRoot.safeParse(response.data);
    if (!root.success) {
      const issues = root.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
      throw new UpstreamError(`GitHub sent an invalid response: ${issues.join('; ')}`);
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
    // Only these two, because an AxiosError also has sockets and the configured URL, which can contain credentials.
    const { code, message } = error as AxiosError;
    return new UpstreamError(`${code}: ${message}`);
  }
}

/** Retries a timeout, a network error and a 5xx, but neither a 4xx nor an invalid response. */
function isWorthRetrying(error: Error): boolean {
  if (!isAxiosError(error)) return false;
  // Without a response the cause is the network, a timeout, or a body that is too large for axios.
  if (!error.response) return error.code !== AxiosError.ERR_BAD_RESPONSE;
  // An error with a 2xx means that the body is incomplete.
  return error.response.status >= 500 || error.response.status < 300;
}
