import { createHmac } from 'node:crypto';
import { HttpService } from '@nestjs/axios';
import { Inject, Injectable } from '@nestjs/common';
import { firstValueFrom } from 'rxjs';
import { ENV, type Env } from '../config/env.js';

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

  /** @throws unless the receiver answers 2xx in time */
  async post(event: object): Promise<void> {
    const body = JSON.stringify(event);
    await firstValueFrom(
      this.http.post(this.env.AUDIT_WEBHOOK_URL!, body, {
        headers: {
          'content-type': 'application/json',
          'x-watchlist-signature': signature(
            this.env.AUDIT_WEBHOOK_SECRET!,
            body,
            Math.floor(Date.now() / 1000),
          ),
        },
        maxRedirects: 0,
        maxContentLength: MAXIMUM_ANSWER_BYTES,
        // axios would look for HTTP_PROXY by itself; what configures us is in env.ts.
        proxy: false,
        // axios's own timeout does not end an answer that drips.
        signal: AbortSignal.timeout(this.options.timeoutMs),
      }),
    );
  }
}
