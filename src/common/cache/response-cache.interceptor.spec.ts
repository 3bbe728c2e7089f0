import { Controller, Get, Injectable, Query } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { HttpRequest } from '../http/request.js';
import type { CacheKey, CacheScope } from './cache-keys.js';
import { CacheResponse } from './cache-response.decorator.js';
import { RESPONSE_STORE } from './response-cache.interceptor.js';
import type { ResponseStore } from './response-store.js';

class PageQuery {
  readonly limit: number = 10;
}

/** A shared page that is read without signing in: its key comes from the address, not from the caller. */
@Injectable()
class SharedPageKey implements CacheKey {
  version = 1;

  async scopeOf({ params }: HttpRequest): Promise<CacheScope> {
    return { resource: `shared:${(params as { slug: string }).slug}`, version: `e.${this.version}` };
  }
}

@Controller()
class SharedPagesController {
  computed = 0;

  @Get('shared/:slug')
  @CacheResponse({ key: SharedPageKey, query: PageQuery })
  read(@Query() _query: PageQuery): object {
    return { computed: ++this.computed };
  }
}

class MapStore implements ResponseStore {
  readonly values = new Map<string, string>();
  get = async (key: string): Promise<string | null | undefined> => this.values.get(key) ?? null;
  set = async (key: string, value: string): Promise<boolean> => this.values.set(key, value).has(key);
}

describe('@CacheResponse()', () => {
  let app: NestFastifyApplication;
  let store: MapStore;
  let key: SharedPageKey;
  beforeEach(async () => {
    store = new MapStore();
    const testing = await Test.createTestingModule({
      controllers: [SharedPagesController],
      providers: [SharedPageKey, { provide: RESPONSE_STORE, useValue: store }],
    }).compile();
    app = testing.createNestApplication<NestFastifyApplication>(new FastifyAdapter());
    await app.init();
    key = app.get(SharedPageKey);
  });
  afterEach(() => app.close());

  async function ask(url: string, headers: Record<string, string> = {}) {
    const { statusCode, body, headers: sent } = await app.inject({ url, headers });
    return { status: statusCode, body, outcome: sent['x-cache'], etag: String(sent['etag']) };
  }

  it('serves callers who are not signed in, each resource from its own key', async () => {
    expect(await ask('/shared/a')).toMatchObject({ body: '{"computed":1}', outcome: 'MISS' });
    expect(await ask('/shared/a?limit=10')).toMatchObject({ body: '{"computed":1}', outcome: 'HIT' });
    expect(await ask('/shared/a?limit=20')).toMatchObject({ body: '{"computed":2}', outcome: 'MISS' });
    expect(await ask('/shared/b')).toMatchObject({ body: '{"computed":3}', outcome: 'MISS' });
  });

  it('answers 304 until the version changes', async () => {
    const { etag } = await ask('/shared/a');
    expect(await ask('/shared/a', { 'if-none-match': etag })).toMatchObject({ status: 304, body: '' });
    key.version++;
    const fresh = await ask('/shared/a', { 'if-none-match': etag });
    expect(fresh).toMatchObject({ status: 200, body: '{"computed":2}', outcome: 'MISS' });
  });

  it('answers BYPASS when the store does not take the answer', async () => {
    store.set = async () => false;
    expect(await ask('/shared/a')).toMatchObject({ body: '{"computed":1}', outcome: 'BYPASS' });
  });

  it('does not try to store an answer when it could not ask the store', async () => {
    store.get = async () => undefined;
    expect(await ask('/shared/a')).toMatchObject({ body: '{"computed":1}', outcome: 'BYPASS' });
    expect(store.values.size).toBe(0);
  });
});
