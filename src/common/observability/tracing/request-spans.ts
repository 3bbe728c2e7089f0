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
import type { FastifyReply, FastifyRequest } from 'fastify';
import { routeClassOf } from '../../http/route-class.js';
import { activeSpans } from './trace-context.js';

/** The ids as they appear in the log. */
export interface TraceIds {
  readonly trace_id: string;
  readonly span_id: string;
}

function idsOf(context: Context | undefined): TraceIds | undefined {
  const own = context && trace.getSpanContext(context);
  return own && { trace_id: own.traceId, span_id: own.spanId };
}

/** Continues the client's trace, but drops its baggage and tracestate, so that other servers do not receive them. */
function parentOf({ headers }: FastifyRequest): Context {
  const remote = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, headers));
  if (remote === undefined) return ROOT_CONTEXT;
  const { traceId, spanId, traceFlags, isRemote } = remote;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote });
}

/**
 * Creates a span for each request, from its arrival until the response is sent or the client disconnects.
 * The span has the name of the route, not the path, because paths contain ids.
 */
export class RequestSpans {
  private readonly contexts = new WeakMap<FastifyRequest, Context>();

  constructor(private readonly tracer: Tracer) {}

  /** An onRequest hook, before all others, because the span includes their time. */
  readonly startSpan = (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    if (routeClassOf(request).isTraced) this.start(request, reply);
    done();
  };

  /** A preValidation hook, because reading the body leaves the asynchronous context of an earlier hook. */
  readonly activateSpan = (request: FastifyRequest, _reply: FastifyReply, done: () => void): void => {
    const context = this.contexts.get(request);
    if (context === undefined) done();
    else activeSpans.run([context], done);
  };

  /** The ids of the current request. */
  current(): TraceIds | undefined {
    return idsOf(activeSpans.get()?.[0]);
  }

  of(request: FastifyRequest): TraceIds | undefined {
    return idsOf(this.contexts.get(request));
  }

  private start(request: FastifyRequest, reply: FastifyReply): void {
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
    // Node emits it after the response is sent, and also when the client disconnects.
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
