import { createHmac } from 'node:crypto';
import { HttpService } from '@nestjs/axios';
import { Inject, Injectable } from '@nestjs/common';
import { firstValueFrom } from 'rxjs';
import { exchange } from '../common/observability/tracing/trace-http-call.js';
import { ENV, type Env } from '../config/env.js';
import type { AuditEvent } from './audit-event.js';

export interface WebhookClientOptions {
  /** One try, from connecting to the last byte of the answer, in milliseconds. */
  readonly timeoutMs: number;
}

export const WEBHOOK_CLIENT_OPTIONS = Symbol('WEBHOOK_CLIENT_OPTIONS');
export const WEBHOOK_CLIENT_DEFAULTS: WebhookClientOptions = { timeoutMs: 5000 };

const MAXIMUM_ANSWER_BYTES = 65_536;

/** `t=<unix seconds>,v1=<hex HMAC-SHA-256 of "t.body">`: the receiver checks who sent it, and that it is not an old one. */
export function signature(secret: string, body: string, seconds: number): string {
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}

@Injectable()
export class WebhookClient {
  constructor(
    private readonly http: HttpService,
    @Inject(ENV) private readonly env: Env,
    @Inject(WEBHOOK_CLIENT_OPTIONS) private readonly options: WebhookClientOptions,
  ) {}

  /**
   * @param traceparent of the request that the event comes from, if that is traced
   * @throws unless the receiver answers 2xx in time
   */
  async post(event: Pick<AuditEvent, 'request_id'>, traceparent: string | null = null): Promise<void> {
    const body = JSON.stringify(event);
    const url = this.env.AUDIT_WEBHOOK_URL!;
    const what = { method: 'POST', url, traceparent, requestId: event.request_id };
    await exchange(what, (traceHeaders) =>
      firstValueFrom(
        this.http.post(url, body, {
          headers: {
            'content-type': 'application/json',
            'x-watchlist-signature': signature(
              this.env.AUDIT_WEBHOOK_SECRET!,
              body,
              Math.floor(Date.now() / 1000),
            ),
            ...traceHeaders,
          },
          maxRedirects: 0,
          maxContentLength: MAXIMUM_ANSWER_BYTES,
          // axios would look for HTTP_PROXY by itself; what configures us is in env.ts.
          proxy: false,
          // axios's own timeout does not end an answer that drips.
          signal: AbortSignal.timeout(this.options.timeoutMs),
        }),
      ),
    );
  }
}
