import { Inject, Injectable } from '@nestjs/common';
import type { Transporter } from 'nodemailer';
import { ENV, type Env } from '../../config/env.js';

export interface Mail {
  /** One address. */
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** In milliseconds. */
export interface MailerOptions {
  readonly connectionTimeout: number;
  /** Some servers are slow to greet on purpose: it puts off those who send in bulk. */
  readonly greetingTimeout: number;
  /** Of silence. */
  readonly socketTimeout: number;
  /** Of one mail in all, however slowly it goes on. */
  readonly sendTimeout: number;
}

export const MAILER_OPTIONS = Symbol('MAILER_OPTIONS');
export const MAILER_DEFAULTS: MailerOptions = {
  connectionTimeout: 10_000,
  greetingTimeout: 20_000,
  socketTimeout: 30_000,
  sendTimeout: 60_000,
};

/** Says why in codes only: what mail servers answer names the address. */
export class MailNotSentError extends Error {
  override readonly name = 'MailNotSentError';
  constructor({ code, responseCode }: { code?: unknown; responseCode?: unknown }) {
    super([code ?? 'unknown', responseCode].filter(Boolean).join(' '));
  }
}

/** Sends by SMTP, one mail per connection: there are few. */
@Injectable()
export class Mailer {
  readonly enabled: boolean;
  private transport: Promise<Transporter> | undefined;

  constructor(
    @Inject(ENV) private readonly env: Env,
    @Inject(MAILER_OPTIONS) private readonly options: MailerOptions,
  ) {
    this.enabled = env.SMTP_URL !== undefined;
  }

  /**
   * @param stop gives up
   * @throws MailNotSentError unless the server has taken it; it may have, where the connection broke at the end
   */
  async send({ to, ...content }: Mail, stop: AbortSignal): Promise<void> {
    const transport = await (this.transport ??= this.createTransport());
    try {
      await transport.sendMail({
        ...content,
        from: this.env.MAIL_FROM!,
        // As parts: nothing in an address or a name is read as a second address, or as a header.
        to: { name: '', address: to },
        headers: { 'Auto-Submitted': 'auto-generated' },
        disableFileAccess: true,
        disableUrlAccess: true,
        signal: AbortSignal.any([stop, AbortSignal.timeout(this.options.sendTimeout)]),
      });
    } catch (error) {
      throw new MailNotSentError(error as object);
    }
  }

  /** Not loaded before it is needed: most servers send no mail. */
  private async createTransport(): Promise<Transporter> {
    const { createTransport } = await import('nodemailer');
    const { protocol, hostname, port, username, password } = new URL(this.env.SMTP_URL!);
    const { connectionTimeout, greetingTimeout, socketTimeout } = this.options;
    return createTransport({
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      ...(port !== '' && { port: Number(port) }),
      secure: protocol === 'smtps:',
      // Encrypted where the server can; a password is not sent at all where it cannot.
      requireTLS: username !== '' && protocol === 'smtp:',
      ...(username !== '' && {
        auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) },
      }),
      connectionTimeout,
      greetingTimeout,
      socketTimeout,
      // It would write down whole conversations.
      logger: false,
    });
  }
}
