import { createHmac } from 'node:crypto';
import { HttpService } from '@nestjs/axios';
import { Inject, Injectable } from '@nestjs/common';
import { firstValueFrom } from 'rxjs';
import { traceHttpCall } from '../common/observability/tracing/trace-http-call.js';
import { ENV, type Env } from '../config/env.js';
import type { AuditEvent } from './audit-event.js';

export interface WebhookClientOptions {
  /** Limits one request, from connecting to the last byte of the response. */
  readonly timeoutMs: number;
}

interface PostOptions {
  /** The trace of the event's request; null when the request is not traced. */
  readonly traceparent?: string | null;
  readonly signal?: AbortSignal;
}

export const WEBHOOK_CLIENT_OPTIONS = Symbol('WEBHOOK_CLIENT_OPTIONS');
export const WEBHOOK_CLIENT_DEFAULTS: WebhookClientOptions = { timeoutMs: 5000 };

const MAX_RESPONSE_BYTES = 65_536;

/** `t=<unix seconds>,v1=<hex HMAC-SHA-256 of "t.body">`: proves the sender and lets the receiver reject old requests. */
export function signWebhookBody(secret: string, body: string, seconds: number): string {
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}

@Injectable()
export class WebhookClient {
  constructor(
    private readonly http: HttpService,
    @Inject(ENV) private readonly env: Env,
    @Inject(WEBHOOK_CLIENT_OPTIONS) private readonly options: WebhookClientOptions,
  ) {}

  /** @throws unless the receiver answers 2xx in time */
  async postEvent(
    event: Pick<AuditEvent, 'request_id'>,
    { traceparent = null, signal }: PostOptions = {},
  ): Promise<void> {
    const body = JSON.stringify(event);
    const url = this.env.AUDIT_WEBHOOK_URL!;
    const timeout = AbortSignal.timeout(this.options.timeoutMs);
    const call = { method: 'POST', url, traceparent, requestId: event.request_id };
    await traceHttpCall(call, (traceHeaders) =>
      firstValueFrom(
        this.http.post(url, body, {
          headers: {
            'content-type': 'application/json',
            'x-watchlist-signature': signWebhookBody(
              this.env.AUDIT_WEBHOOK_SECRET!,
              body,
              Math.floor(Date.now() / 1000),
            ),
            ...traceHeaders,
          },
          maxRedirects: 0,
          maxContentLength: MAX_RESPONSE_BYTES,
          // Without this axios reads HTTP_PROXY, but only env.ts configures the server.
          proxy: false,
          // The timeout option of axios does not end a response that arrives byte by byte.
          signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
        }),
      ),
    );
  }
}
