import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';

type Value = string | number | boolean;

interface OtlpAttribute {
  readonly key: string;
  readonly value: { stringValue?: string; intValue?: number; boolValue?: boolean; doubleValue?: number };
}
interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}
interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly status: { readonly code?: number };
}

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | null;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client' | 'other';
  readonly attributes: Readonly<Record<string, Value>>;
  readonly resource: Readonly<Record<string, Value>>;
  readonly failed: boolean;
  /** Nanoseconds. */
  readonly start: bigint;
  readonly end: bigint;
}

const KINDS = ['other', 'internal', 'server', 'client'] as const;
const STATUS_ERROR = 2;

function valuesOf(attributes: readonly OtlpAttribute[]): Record<string, Value> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0] as Value]));
}

function spansIn({ resourceSpans }: OtlpRequest): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans
      .flatMap(({ spans }) => spans)
      .map((span) => ({
        traceId: span.traceId,
        spanId: span.spanId,
        parentId: span.parentSpanId || null,
        name: span.name,
        kind: KINDS[span.kind] ?? 'other',
        attributes: valuesOf(span.attributes),
        resource: valuesOf(resource.attributes),
        failed: span.status.code === STATUS_ERROR,
        start: BigInt(span.startTimeUnixNano),
        end: BigInt(span.endTimeUnixNano),
      })),
  );
}

/** The ways of answering an export. */
const MODES = {
  ok: (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
  hang: () => undefined,
  reset: (response) => response.socket?.resetAndDestroy(),
} satisfies Record<string, (response: ServerResponse) => unknown>;

/** Stands in for a collector that speaks OTLP over HTTP, on 127.0.0.1. */
export class OtlpReceiver {
  /** All that came, as it came. */
  readonly bodies: Buffer[] = [];
  readonly requests: { readonly path: string; readonly headers: IncomingHttpHeaders }[] = [];
  /** What came as JSON. */
  readonly spans: ReceivedSpan[] = [];
  mode: keyof typeof MODES = 'ok';

  private constructor(private readonly server: Server) {}

  static async start(): Promise<OtlpReceiver> {
    const server = createServer();
    const receiver = new OtlpReceiver(server);
    server.on('request', async (request, response) => {
      const received = await buffer(request);
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(received) : received;
      receiver.requests.push({ path: request.url ?? '', headers: request.headers });
      receiver.bodies.push(body);
      if (request.headers['content-type'] === 'application/json')
        receiver.spans.push(...spansIn(JSON.parse(body.toString()) as OtlpRequest));
      MODES[receiver.mode](response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** What a server is told to send its spans here, as JSON and without waiting. */
  get env(): Record<string, string> {
    return {
      OTEL_EXPORTER_OTLP_ENDPOINT: this.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '50',
    };
  }

  inTrace(traceId: string): ReceivedSpan[] {
    return this.spans.filter((span) => span.traceId === traceId);
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }
}
