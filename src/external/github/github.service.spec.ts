import { HttpService } from '@nestjs/axios';
import { GithubStub } from '../../../test/support/github-stub.js';
import type { Env } from '../../config/env.js';
import { ExternalService } from './github.service.js';
import { GITHUB_CLIENT_DEFAULTS, GithubClient } from './github.client.js';

const STATUS = {
  github_api_status: 'ok',
  current_user_url: 'https://api.github.com/user',
  rate_limit_url: 'https://api.github.com/rate_limit',
};
const UPSTREAM_ERROR = { status: 502, code: 'UPSTREAM_ERROR' };

describe(ExternalService.name, () => {
  let github: GithubStub;
  let external: ExternalService;

  beforeAll(async () => {
    github = await GithubStub.start();
  });
  afterAll(() => github.close());
  beforeEach(() => {
    const env = { GITHUB_API_URL: github.url } as Env;
    external = new ExternalService(new GithubClient(new HttpService(), env, GITHUB_CLIENT_DEFAULTS));
  });
  afterEach(() => jest.restoreAllMocks());

  const callers = (count: number) => Array.from({ length: count }, () => external.getGithubStatus());

  function letPass(milliseconds: number): void {
    const now = performance.now.bind(performance);
    jest.spyOn(performance, 'now').mockImplementation(() => now() + milliseconds);
  }

  describe('getGithubStatus', () => {
    it('says ok, and nothing of the answer but the two URLs', async () => {
      github.answer('ok');
      await expect(external.getGithubStatus()).resolves.toEqual(STATUS);
    });

    it('asks once for fifty callers at a time', async () => {
      github.answer('slow');
      const statuses = await Promise.all(callers(50));
      expect(statuses).toEqual(Array(50).fill(STATUS));
      expect(github.requests).toHaveLength(1);
    });

    it('gives fifty callers at a time the same failure', async () => {
      github.answer('not found');
      const results = await Promise.allSettled(callers(50));
      expect(results).toEqual(
        Array(50).fill({ status: 'rejected', reason: expect.objectContaining(UPSTREAM_ERROR) }),
      );
      expect(github.requests).toHaveLength(1);
    });

    it('keeps an answer for a minute', async () => {
      github.answer('ok');
      await external.getGithubStatus();
      letPass(59_000);
      await expect(external.getGithubStatus()).resolves.toEqual(STATUS);
      expect(github.requests).toHaveLength(1);
    });

    it('asks again after a minute', async () => {
      github.answer('ok');
      await external.getGithubStatus();
      letPass(60_000);
      await external.getGithubStatus();
      expect(github.requests).toHaveLength(2);
    });

    it('does not pass an answer off as current when its minute is over and GitHub fails', async () => {
      github.answer('ok', 'not found');
      await external.getGithubStatus();
      letPass(60_000);
      await expect(external.getGithubStatus()).rejects.toMatchObject(UPSTREAM_ERROR);
    });

    it('does not keep a failure', async () => {
      github.answer('not found', 'ok');
      await expect(external.getGithubStatus()).rejects.toMatchObject(UPSTREAM_ERROR);
      await expect(external.getGithubStatus()).resolves.toEqual(STATUS);
    });
  });
});
