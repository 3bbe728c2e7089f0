import { HttpService } from '@nestjs/axios';
import { Logger } from '@nestjs/common';
import { GithubStub, type GithubStubMode } from '../../../test/support/github-stub.js';
import type { Env } from '../../config/env.js';
import { GITHUB_CLIENT_DEFAULTS, GithubClient, type GithubClientOptions } from './github.client.js';

const ROOT = {
  current_user_url: 'https://api.github.com/user',
  rate_limit_url: 'https://api.github.com/rate_limit',
};
const UPSTREAM_ERROR = { status: 502, code: 'UPSTREAM_ERROR' };
const UPSTREAM_TIMEOUT = { status: 504, code: 'UPSTREAM_TIMEOUT' };
const CIRCUIT_OPEN = { status: 502, code: 'UPSTREAM_CIRCUIT_OPEN' };

describe(GithubClient.name, () => {
  let github: GithubStub;

  beforeAll(async () => {
    github = await GithubStub.start();
  });
  afterAll(() => github.close());
  beforeEach(() => Logger.overrideLogger(false));
  afterEach(() => jest.restoreAllMocks());

  function clientOf(url: string, options: Partial<GithubClientOptions> = {}): GithubClient {
    const env = { GITHUB_API_URL: url } as Env;
    return new GithubClient(new HttpService(), env, { ...GITHUB_CLIENT_DEFAULTS, ...options });
  }

  describe('fetchRoot', () => {
    it.each<GithubStubMode>(['ok', 'slow', 'gzip'])(
      'takes what it needs from an answer that is %s',
      async (mode) => {
        github.answer(mode);
        await expect(clientOf(github.url).fetchRoot()).resolves.toEqual(ROOT);
        expect(github.requests).toEqual([{ path: '/', userAgent: 'watchlist-api' }]);
      },
    );

    it('asks below the path of the configured URL, where GitHub Enterprise lives', async () => {
      github.answer('ok');
      await clientOf(`${github.url}/api/v3`).fetchRoot();
      expect(github.requests[0]?.path).toBe('/api/v3');
    });

    it.each<GithubStubMode>([
      'no content',
      'redirect',
      'not modified',
      'forbidden',
      'not found',
      'not found, broken off',
      'html',
      'json called text',
      'no content type',
      'rubbish json',
      'empty body',
      'json null',
      'json array',
      'missing field',
      'wrong type',
      'not a url',
      'endless url',
      'huge',
      'huge when unpacked',
    ])('fails at once when the answer is: %s', async (mode) => {
      github.answer(mode);
      await expect(clientOf(github.url).fetchRoot()).rejects.toMatchObject(UPSTREAM_ERROR);
      expect(github.requests).toHaveLength(1);
    });

    const transient: GithubStubMode[] = [
      'server error',
      'unavailable',
      'broken off',
      'reset',
      'not http',
      'not gzip',
    ];

    it.each(transient)('tries once more, and not twice, after: %s', async (mode) => {
      github.answer(mode);
      await expect(clientOf(github.url).fetchRoot()).rejects.toMatchObject(UPSTREAM_ERROR);
      expect(github.requests).toHaveLength(2);
    });

    it.each(transient)('answers when only the first try met: %s', async (mode) => {
      github.answer(mode, 'ok');
      await expect(clientOf(github.url).fetchRoot()).resolves.toEqual(ROOT);
      expect(github.requests).toHaveLength(2);
    });

    it('does not try again when the second try is refused', async () => {
      github.answer('server error', 'not found', 'ok');
      await expect(clientOf(github.url).fetchRoot()).rejects.toMatchObject(UPSTREAM_ERROR);
      expect(github.requests).toHaveLength(2);
    });

    it('fails when nobody listens', async () => {
      const gone = await GithubStub.start();
      const { url } = gone;
      await gone.close();
      await expect(clientOf(url).fetchRoot()).rejects.toMatchObject(UPSTREAM_ERROR);
    });

    it('tells the log why, without the URL and its credentials', async () => {
      github.answer('not found');
      const url = github.url.replace('//', '//me:hunter2@');
      const error = await clientOf(url)
        .fetchRoot()
        .catch((reason: Error) => reason);
      expect(error).toMatchObject({
        cause: { message: 'ERR_BAD_REQUEST: Request failed with status code 404' },
      });
      expect(Object.keys((error as Error).cause as Error)).toEqual([]);
    });

    it.each<GithubStubMode>(['hang', 'drip', 'upgrade'])('gives up on two tries that %s', async (mode) => {
      github.answer(mode);
      await expect(clientOf(github.url, { tryTimeoutMs: 250 }).fetchRoot()).rejects.toMatchObject(
        UPSTREAM_TIMEOUT,
      );
      expect(github.requests).toHaveLength(2);
    });

    it('answers when only the first try hangs', async () => {
      github.answer('hang', 'ok');
      await expect(clientOf(github.url, { tryTimeoutMs: 1000 }).fetchRoot()).resolves.toEqual(ROOT);
    });

    it.each<GithubStubMode>(['hang', 'drip'])(
      'starts no second try when the first uses up the whole time: %s',
      async (mode) => {
        github.answer(mode);
        await expect(clientOf(github.url, { callTimeoutMs: 250 }).fetchRoot()).rejects.toMatchObject(
          UPSTREAM_TIMEOUT,
        );
        expect(github.requests).toHaveLength(1);
      },
    );

    it('cuts the second try short when the whole time is up', async () => {
      github.answer('server error', 'hang');
      await expect(clientOf(github.url, { callTimeoutMs: 500 }).fetchRoot()).rejects.toMatchObject(
        UPSTREAM_TIMEOUT,
      );
      expect(github.requests).toHaveLength(2);
    });
  });

  describe('the circuit', () => {
    let client: GithubClient;

    beforeEach(() => {
      client = clientOf(github.url);
    });

    async function fail(times: number, mode: GithubStubMode = 'server error'): Promise<void> {
      github.answer(mode);
      for (let call = 0; call < times; call++) {
        await expect(client.fetchRoot()).rejects.toMatchObject({
          code: expect.not.stringContaining('CIRCUIT'),
        });
      }
    }

    function letPass(milliseconds: number): void {
      const now = Date.now.bind(Date);
      jest.spyOn(Date, 'now').mockImplementation(() => now() + milliseconds);
    }

    it.each<GithubStubMode>(['server error', 'reset', 'not found', 'html'])(
      'opens after five failures in a row (%s), and then leaves GitHub alone',
      async (mode) => {
        await fail(5, mode);
        github.answer('ok');
        await expect(client.fetchRoot()).rejects.toMatchObject(CIRCUIT_OPEN);
        expect(github.requests).toHaveLength(0);
      },
    );

    it('opens after five timeouts', async () => {
      client = clientOf(github.url, { tryTimeoutMs: 20 });
      await fail(5, 'hang');
      await expect(client.fetchRoot()).rejects.toMatchObject(CIRCUIT_OPEN);
    });

    it('stays closed when a success comes between the failures', async () => {
      await fail(4);
      github.answer('ok');
      await client.fetchRoot();
      await fail(4);
      github.answer('ok');
      await expect(client.fetchRoot()).resolves.toEqual(ROOT);
    });

    it('counts a call that its second try saved as a success', async () => {
      await fail(4);
      github.answer('server error', 'ok');
      await client.fetchRoot();
      await fail(4);
      github.answer('ok');
      await expect(client.fetchRoot()).resolves.toEqual(ROOT);
    });

    it('says when to come back, and means it', async () => {
      await fail(5);
      const error = await client.fetchRoot().catch((reason: { headers: Record<string, string> }) => reason);
      const retryAfter = Number((error as { headers: Record<string, string> }).headers['retry-after']);
      expect(retryAfter).toBeGreaterThanOrEqual(1);
      expect(retryAfter).toBeLessThanOrEqual(30);

      letPass(retryAfter * 1000);
      github.answer('ok');
      await expect(client.fetchRoot()).resolves.toEqual(ROOT);
    });

    it('closes when the probe succeeds: the next failure is the first of five again', async () => {
      await fail(5);
      letPass(30_000);
      github.answer('ok');
      await client.fetchRoot();
      await fail(4);
      github.answer('ok');
      await expect(client.fetchRoot()).resolves.toEqual(ROOT);
    });

    it('opens again when the probe fails', async () => {
      await fail(5);
      letPass(30_000);
      await fail(1);
      github.answer('ok');
      await expect(client.fetchRoot()).rejects.toMatchObject({
        ...CIRCUIT_OPEN,
        headers: { 'retry-after': expect.stringMatching(/^(2\d|30)$/) },
      });
      expect(github.requests).toHaveLength(0);
    });
  });
});
