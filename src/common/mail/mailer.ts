import { Inject, Injectable } from '@nestjs/common';
import type { Transporter } from 'nodemailer';
import { ENV, type Env } from '../../config/env.js';

export interface Mail {
  /** Exactly one address. */
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** In milliseconds. */
export interface MailerOptions {
  readonly connectionTimeout: number;
  /** Some servers delay the greeting on purpose to discourage spam. */
  readonly greetingTimeout: number;
  /** The longest time without data. */
  readonly socketTimeout: number;
  /** The longest time for one mail in total. */
  readonly sendTimeout: number;
}

export const MAILER_OPTIONS = Symbol('MAILER_OPTIONS');
export const MAILER_DEFAULTS: MailerOptions = {
  connectionTimeout: 10_000,
  greetingTimeout: 20_000,
  socketTimeout: 30_000,
  sendTimeout: 60_000,
};

/** Contains only codes, because the responses of mail servers contain the address. */
export class MailNotSentError extends Error {
  override readonly name = 'MailNotSentError';
  constructor({ code, responseCode }: { code?: unknown; responseCode?: unknown }) {
    super([code ?? 'unknown', responseCode].filter(Boolean).join(' '));
  }
}

/** Sends mail by SMTP, one connection per mail, because there are few mails. */
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
   * @param stop cancels the sending
   * @throws MailNotSentError if the server did not confirm the mail; it can still have accepted it
   */
  async send({ to, ...content }: Mail, stop: AbortSignal): Promise<void> {
    const transport = await (this.transport ??= this.createTransport());
    try {
      await transport.sendMail({
        ...content,
        from: this.env.MAIL_FROM!,
        // As an object, so that an address cannot contain a second address or a header.
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

  /** Loads nodemailer only when needed, because most servers send no mail. */
  private async createTransport(): Promise<Transporter> {
    const { createTransport } = await import('nodemailer');
    const { protocol, hostname, port, username, password } = new URL(this.env.SMTP_URL!);
    const { connectionTimeout, greetingTimeout, socketTimeout } = this.options;
    return createTransport({
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      ...(port !== '' && { port: Number(port) }),
      secure: protocol === 'smtps:',
      // The connection is encrypted if the server supports it. Without encryption no password is sent.
      requireTLS: username !== '' && protocol === 'smtp:',
      ...(username !== '' && {
        auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) },
      }),
      connectionTimeout,
      greetingTimeout,
      socketTimeout,
      // The logger would log entire SMTP sessions.
      logger: false,
    });
  }
}
