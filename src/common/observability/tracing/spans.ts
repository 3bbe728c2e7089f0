import {
  type Attributes,
  type Context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import type { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { callers } from './trace-context.js';

/** Ends what has begun. With what it failed with, if it did. */
export type End = (error?: unknown) => void;

/** Where statements go: what OpenTelemetry's conventions ask about a database. */
export interface StatementTarget {
  readonly system: 'postgresql' | 'sqlite';
  readonly attributes: Attributes;
}

interface Description {
  readonly name: string;
  readonly attributes: Attributes;
}

/** What somebody else's server is asked. */
export interface Exchange {
  readonly method: string;
  readonly url: string;
  /** As {@link Spans.traceparent} gave it, for what is done after the request that it belongs to. */
  readonly traceparent?: string | null;
  readonly requestId?: string | null;
}

/** Lists of ids have a text for each length, and on SQLite TypeORM writes numbers into it. */
const MAXIMUM_DESCRIPTIONS = 500;

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

function contextOf(traceparent: string | null | undefined): Context | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (flags === undefined) return undefined;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: traceId!,
    spanId: spanId!,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
  });
}

/** What kind of error it was. Not its message: a database's quotes values, an HTTP client's addresses. */
function kindOf({ name, code }: Error & { code?: unknown }): string {
  return typeof code === 'string' ? code : name;
}

function fail(span: Span, kind: string): void {
  span.setAttribute('error.type', kind).setStatus({ code: SpanStatusCode.ERROR });
}

const TABLES = /\b(?:FROM|JOIN|INTO|UPDATE)\s+"?([a-z_]+)\b(?!\()/g;
const LITERALS = /'(?:[^']|'')*'|(?<![\w$."])\d+(?:\.\d+)?\b/g;

/** What is done and to which tables, and the text without what values TypeORM has written into it. */
function describeStatement({ system, attributes }: StatementTarget, text: string): Description {
  const operation = text.trimStart().split(/\W/, 1)[0]!.toUpperCase();
  const tables = [...new Set([...text.matchAll(TABLES)].map(([, table]) => table!))];
  const summary = [operation, ...tables].join(' ');
  return {
    name: summary,
    attributes: {
      ...attributes,
      'db.system.name': system,
      'db.operation.name': operation,
      ...(tables.length === 1 && { 'db.collection.name': tables[0] }),
      'db.query.summary': summary,
      'db.query.text': text.replace(LITERALS, '?'),
    },
  };
}

/**
 * What a traced request waits for, each by a span of its own, named and described as OpenTelemetry's conventions say
 * and without a single value: no parameters, keys, paths, headers or messages. By hand, because OpenTelemetry's own
 * instrumentations replace what CommonJS modules load and do not see this server's imports; and because statements
 * that requests share belong to each of them.
 */
export class Spans {
  private readonly statements = new LRUCache<string, Description>({ max: MAXIMUM_DESCRIPTIONS });

  constructor(private readonly tracer: Tracer) {}

  /** Undefined when nobody who is traced waits for it. */
  statement(target: StatementTarget, text: string): End | undefined {
    return this.start(() => this.described(target, text));
  }

  /** The client as its users are to see it: each command has a span. */
  redisCommands(client: Redis): Redis {
    const builtIn = new Set(client.getBuiltinCommands());
    const { host, port, db } = client.options;
    const where = {
      'db.system.name': 'redis',
      'db.namespace': String(db ?? 0),
      ...(host !== undefined && { 'server.address': host, 'server.port': port }),
    };
    const describe = (command: string): Description =>
      builtIn.has(command)
        ? {
            name: command.toUpperCase(),
            attributes: { ...where, 'db.operation.name': command.toUpperCase() },
          }
        : {
            name: `EVALSHA ${command}`,
            attributes: { ...where, 'db.operation.name': 'EVALSHA', 'db.stored_procedure.name': command },
          };
    return new Proxy(client, {
      get: (target, name) => {
        const command = Reflect.get(target, name) as unknown;
        if (typeof command !== 'function' || typeof name !== 'string') return command;
        return (...given: unknown[]) => {
          const end = this.start(() => describe(name));
          const answer = Reflect.apply(command, target, given) as unknown;
          // `multi()` answers with a pipeline at once.
          if (end !== undefined && answer instanceof Promise) answer.then(() => end(), end);
          return answer;
        };
      },
    });
  }

  /** `send` gets the headers that tell the other server which trace it is part of. */
  async exchange<Answer extends { readonly status: number }>(
    { method, url, traceparent, requestId }: Exchange,
    send: (headers: Record<string, string>) => Promise<Answer>,
  ): Promise<Answer> {
    const parent = contextOf(traceparent) ?? callers.get()?.[0] ?? ROOT_CONTEXT;
    const { hostname, port, protocol } = new URL(url);
    const span = this.tracer.startSpan(
      method,
      {
        kind: SpanKind.CLIENT,
        attributes: {
          'http.request.method': method,
          // Not the path: that of a webhook may be its secret.
          'server.address': hostname,
          'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
          ...(requestId && { request_id: requestId }),
        },
      },
      parent,
    );
    const headers: Record<string, string> = {};
    propagation.inject(trace.setSpan(parent, span), headers);
    try {
      const answer = await send(headers);
      span.setAttribute('http.response.status_code', answer.status);
      return answer;
    } catch (error) {
      const { response } = error as { response?: { status: number } };
      if (response !== undefined) span.setAttribute('http.response.status_code', response.status);
      fail(span, response === undefined ? kindOf(error as Error) : String(response.status));
      throw error;
    } finally {
      span.end();
    }
  }

  /** What to keep of the request under way, for what is done after its end. Null when it is not traced. */
  traceparent(): string | null {
    const [context] = callers.get() ?? [];
    const own = context && trace.getSpanContext(context);
    if (own === undefined) return null;
    return `00-${own.traceId}-${own.spanId}-${own.traceFlags.toString(16).padStart(2, '0')}`;
  }

  private start(describe: () => Description): End | undefined {
    const asking = callers.get()?.filter((context) => trace.getSpan(context)?.isRecording() === true);
    if (asking === undefined || asking.length === 0) return undefined;
    const { name, attributes } = describe();
    const shared = asking.length > 1 ? { 'watchlist.shared_by': asking.length } : undefined;
    const options = { kind: SpanKind.CLIENT, attributes: { ...attributes, ...shared } };
    const spans = asking.map((context) => this.tracer.startSpan(name, options, context));
    return (error) => {
      for (const span of spans) {
        if (error !== undefined) fail(span, kindOf(error as Error));
        span.end();
      }
    };
  }

  private described(target: StatementTarget, text: string): Description {
    let description = this.statements.get(text);
    if (description === undefined) {
      description = describeStatement(target, text);
      this.statements.set(text, description);
    }
    return description;
  }
}
