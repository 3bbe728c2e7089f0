import {
  type Context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { callers } from './trace-context.js';

/** As the log's lines have them. */
export interface TraceIds {
  readonly trace_id: string;
  readonly span_id: string;
}

function idsOf(context: Context | undefined): TraceIds | undefined {
  const own = context && trace.getSpanContext(context);
  return own && { trace_id: own.traceId, span_id: own.spanId };
}

/** The trace goes on; not what else came with it (baggage, tracestate), which would go out again to servers of others. */
function parentOf({ headers }: FastifyRequest): Context {
  const came = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, headers));
  if (came === undefined) return ROOT_CONTEXT;
  const { traceId, spanId, traceFlags, isRemote } = came;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote });
}

/**
 * A span for each request, from its arrival until its answer has gone out or its client has. Named by its route,
 * never by its path: ids are in it, or whatever else a client may ask for.
 */
export class RequestSpans {
  private readonly contexts = new WeakMap<FastifyRequest, Context>();

  constructor(private readonly tracer: Tracer) {}

  /** Before any other hook: what they do is part of it. */
  install(instance: FastifyInstance, isTraced: (request: FastifyRequest) => boolean): void {
    instance.addHook('onRequest', (request, reply, done) => {
      if (isTraced(request)) this.begin(request, reply);
      done();
    });
    // Not earlier: reading the body leaves the asynchronous context in which an earlier hook ran.
    instance.addHook('preValidation', (request, _reply, done) => {
      const context = this.contexts.get(request);
      if (context === undefined) done();
      else callers.run([context], done);
    });
  }

  /** Of the request under way. */
  current(): TraceIds | undefined {
    return idsOf(callers.get()?.[0]);
  }

  of(request: FastifyRequest): TraceIds | undefined {
    return idsOf(this.contexts.get(request));
  }

  private begin(request: FastifyRequest, reply: FastifyReply): void {
    const { method } = request;
    const { url } = request.routeOptions;
    const route = request.is404 || url === '*' ? undefined : url;
    const parent = parentOf(request);
    const span = this.tracer.startSpan(
      route === undefined ? method : `${method} ${route}`,
      {
        kind: SpanKind.SERVER,
        attributes: {
          'http.request.method': method,
          'url.scheme': request.protocol,
          ...(route !== undefined && { 'http.route': route }),
          request_id: request.id,
        },
      },
      parent,
    );
    this.contexts.set(request, trace.setSpan(parent, span));
    // Once it has been answered, and also when nobody waits for the answer any more.
    reply.raw.once('close', () => end(span, reply));
  }
}

function end(span: Span, { raw: { headersSent, statusCode } }: FastifyReply): void {
  if (headersSent) {
    span.setAttribute('http.response.status_code', statusCode);
    if (statusCode >= 500) {
      span.setAttribute('error.type', String(statusCode)).setStatus({ code: SpanStatusCode.ERROR });
    }
  }
  span.end();
}
