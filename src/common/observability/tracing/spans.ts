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
import { activeSpans } from './trace-context.js';

/** Ends a span. `error`: the reason for its failure. */
export type End = (error?: unknown) => void;

/** The database that executes a statement, as OpenTelemetry's conventions describe it. */
export interface StatementTarget {
  readonly system: 'postgresql' | 'sqlite';
  readonly attributes: Attributes;
}

interface Description {
  readonly name: string;
  readonly attributes: Attributes;
}

/** A call to another server. */
export interface HttpCall {
  readonly method: string;
  readonly url: string;
  /** From {@link Spans.traceparent}, for work that happens after the request has ended. */
  readonly traceparent?: string | null;
  readonly requestId?: string | null;
}

/** Statements with lists of ids have one text per length, and for SQLite TypeORM writes numbers into the text. */
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

/** The error's code or class, not its message, because messages contain values and addresses. */
function kindOf({ name, code }: Error & { code?: unknown }): string {
  return typeof code === 'string' ? code : name;
}

function fail(span: Span, kind: string): void {
  span.setAttribute('error.type', kind).setStatus({ code: SpanStatusCode.ERROR });
}

const TABLES = /\b(?:FROM|JOIN|INTO|UPDATE)\s+"?([a-z_]+)\b(?!\()/g;
const LITERALS = /'(?:[^']|'')*'|(?<![\w$."])\d+(?:\.\d+)?\b/g;

/** The operation, the tables and the text of a statement. Removes the values that TypeORM has written into the text. */
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
 * Creates spans for statements, Redis commands and HTTP calls, without parameters, keys, paths or messages.
 * OpenTelemetry's own instrumentations do not see this server's ES imports and cannot share a statement's span.
 */
export class Spans {
  private readonly statements = new LRUCache<string, Description>({ max: MAXIMUM_DESCRIPTIONS });

  constructor(private readonly tracer: Tracer) {}

  /** Undefined when the statement belongs to no traced request. */
  statement(target: StatementTarget, text: string): End | undefined {
    return this.start(() => this.described(target, text));
  }

  /** Wraps the client so that each command has a span. */
  redisCommands(client: Redis): Redis {
    const builtIn = new Set(client.getBuiltinCommands());
    const { host, port, db } = client.options;
    const target = {
      'db.system.name': 'redis',
      'db.namespace': String(db ?? 0),
      ...(host !== undefined && { 'server.address': host, 'server.port': port }),
    };
    const describe = (command: string): Description =>
      builtIn.has(command)
        ? {
            name: command.toUpperCase(),
            attributes: { ...target, 'db.operation.name': command.toUpperCase() },
          }
        : {
            name: `EVALSHA ${command}`,
            attributes: { ...target, 'db.operation.name': 'EVALSHA', 'db.stored_procedure.name': command },
          };
    return new Proxy(client, {
      get: (redis, name) => {
        const command = Reflect.get(redis, name) as unknown;
        if (typeof command !== 'function' || typeof name !== 'string') return command;
        return (...given: unknown[]) => {
          const end = this.start(() => describe(name));
          const result = Reflect.apply(command, redis, given) as unknown;
          // `multi()` returns a pipeline, not a promise.
          if (end !== undefined && result instanceof Promise) result.then(() => end(), end);
          return result;
        };
      },
    });
  }

  /** @param send receives the trace headers to send */
  async httpCall<Response extends { readonly status: number }>(
    { method, url, traceparent, requestId }: HttpCall,
    send: (headers: Record<string, string>) => Promise<Response>,
  ): Promise<Response> {
    const parent = contextOf(traceparent) ?? activeSpans.get()?.[0] ?? ROOT_CONTEXT;
    const { hostname, port, protocol } = new URL(url);
    const span = this.tracer.startSpan(
      method,
      {
        kind: SpanKind.CLIENT,
        attributes: {
          'http.request.method': method,
          // Not the path, because the path of a webhook can be secret.
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
      const result = await send(headers);
      span.setAttribute('http.response.status_code', result.status);
      return result;
    } catch (error) {
      const { response } = error as { response?: { status: number } };
      if (response !== undefined) span.setAttribute('http.response.status_code', response.status);
      fail(span, response === undefined ? kindOf(error as Error) : String(response.status));
      throw error;
    } finally {
      span.end();
    }
  }

  /** The current span as a traceparent header, for work after the request. Null when the request is not traced. */
  traceparent(): string | null {
    const [context] = activeSpans.get() ?? [];
    const own = context && trace.getSpanContext(context);
    if (own === undefined) return null;
    return `00-${own.traceId}-${own.spanId}-${own.traceFlags.toString(16).padStart(2, '0')}`;
  }

  private start(describe: () => Description): End | undefined {
    const parents = activeSpans.get()?.filter((context) => trace.getSpan(context)?.isRecording() === true);
    if (parents === undefined || parents.length === 0) return undefined;
    const { name, attributes } = describe();
    const shared = parents.length > 1 ? { 'watchlist.shared_by': parents.length } : undefined;
    const options = { kind: SpanKind.CLIENT, attributes: { ...attributes, ...shared } };
    const spans = parents.map((context) => this.tracer.startSpan(name, options, context));
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
