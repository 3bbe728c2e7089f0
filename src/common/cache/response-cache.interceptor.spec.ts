import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { lastValueFrom, of } from 'rxjs';
import type { Caller } from '../http/request.js';
import { ResponseCacheInterceptor } from './response-cache.interceptor.js';
import type { ResponseStore } from './response-store.js';

const ADA: Caller = { id: 1, rateLimitKey: 'user:1', listVersion: 'e.1' };

/** What a request's end is told. */
class Reply {
  readonly sent: Record<string, unknown> = {};

  headers(headers: Record<string, unknown>): void {
    Object.assign(this.sent, headers);
  }
  header(name: string, value: unknown): void {
    this.sent[name] = value;
  }
}

async function ask(interceptor: ResponseCacheInterceptor, user: Caller | undefined) {
  const reply = new Reply();
  const context = new ExecutionContextHost([{ user, url: '/', query: {}, headers: {} }, reply]);
  const body = await lastValueFrom(interceptor.intercept(context, { handle: () => of({ total: 0 }) }));
  return { body, outcome: reply.sent['x-cache'] };
}

describe(ResponseCacheInterceptor.name, () => {
  it('calls what the store did not take passed by', async () => {
    const full: ResponseStore = { get: async () => null, set: async () => false };
    const interceptor = new ResponseCacheInterceptor(full);
    expect(await ask(interceptor, ADA)).toEqual({ body: '{"total":0}', outcome: 'BYPASS' });
  });

  it('does not try to store where it could not ask', async () => {
    const set = jest.fn(async () => true);
    const interceptor = new ResponseCacheInterceptor({ get: async () => undefined, set });
    expect(await ask(interceptor, ADA)).toEqual({ body: '{"total":0}', outcome: 'BYPASS' });
    expect(set).not.toHaveBeenCalled();
  });

  it('refuses to serve a route on which nobody is signed in', async () => {
    const interceptor = new ResponseCacheInterceptor(null);
    await expect(ask(interceptor, undefined)).rejects.toThrow('@CacheResponse() on a public route');
  });
});
