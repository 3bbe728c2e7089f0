import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { AuditEvent } from '../../src/audit/audit-event.js';

const DRIP_INTERVAL_MS = 20;

/** The ways of answering a delivery. */
const MODES = {
  ok: (response) => response.writeHead(204).end(),
  'server error': (response) => response.writeHead(500).end(),
  gone: (response) => response.writeHead(410).end(),
  hang: () => undefined,
  /** The answer's body never ends. */
  drip: (response) => {
    response.writeHead(200, { 'content-type': 'text/plain' });
    const timer = setInterval(() => response.write('.'), DRIP_INTERVAL_MS);
    response.on('close', () => clearInterval(timer));
  },
  huge: (response) => response.writeHead(200, { 'content-type': 'text/plain' }).end('x'.repeat(1_000_000)),
  redirect: (response) => response.writeHead(307, { location: '/elsewhere' }).end(),
  reset: (response) => response.socket?.resetAndDestroy(),
} satisfies Record<string, (response: ServerResponse) => unknown>;

export type WebhookReceiverMode = keyof typeof MODES;

export interface Delivery {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** As it came, which is what the signature is about. */
  readonly body: string;
  readonly event: AuditEvent;
  /** How it was answered. */
  readonly mode: WebhookReceiverMode;
}

/** Stands in for who listens to the audit log, on 127.0.0.1. */
export class WebhookReceiver {
  /** Everything that arrived, however it was answered. */
  readonly deliveries: Delivery[] = [];
  private modeFor: (event: AuditEvent) => WebhookReceiverMode = () => 'ok';

  private constructor(private readonly server: Server) {}

  /** @param port of a receiver that was closed, to be back in its place; a free one when left out */
  static async start(port = 0): Promise<WebhookReceiver> {
    const server = createServer();
    const receiver = new WebhookReceiver(server);
    server.on('request', async (request, response) => {
      const body = await text(request);
      const event = JSON.parse(body) as AuditEvent;
      const mode = receiver.modeFor(event);
      const { method = '', url: path = '', headers } = request;
      receiver.deliveries.push({ method, path, headers, body, event, mode });
      MODES[mode](response);
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return receiver;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`;
  }

  /** The ids of the events that were answered `ok`, in the order of their arrival, repeats included. */
  get acknowledged(): number[] {
    return this.deliveries.filter(({ mode }) => mode === 'ok').map(({ event }) => event.id);
  }

  /** How everything is answered from now on, or each event on its own. */
  answer(mode: WebhookReceiverMode | ((event: AuditEvent) => WebhookReceiverMode)): void {
    this.modeFor = typeof mode === 'function' ? mode : () => mode;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }
}
