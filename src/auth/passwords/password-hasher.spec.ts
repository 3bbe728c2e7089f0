import bcrypt from 'bcrypt';
import { Metrics } from '../../common/observability/metrics/metrics.js';
import type { Env } from '../../config/env.js';
import type { UsersService } from '../../users/users.service.js';
import { PasswordHasher } from './password-hasher.js';

const PEPPER = 'a pepper of some length';
const OVERLOADED = { status: 503, code: 'OVERLOADED', headers: { 'retry-after': '1' } };

interface Options {
  readonly cost?: number;
  readonly pepper?: string;
  /** Whether the database holds hashes that were made with a pepper. */
  readonly peppered?: boolean;
  readonly metrics?: Metrics;
}

async function createHasher({
  cost = 10,
  pepper,
  peppered = false,
  metrics,
}: Options = {}): Promise<PasswordHasher> {
  const env = { BCRYPT_COST: cost, PASSWORD_PEPPER: pepper } as Env;
  const users = { existsWithHashVersion: async (version: string) => peppered && version === 'v1' };
  const hasher = new PasswordHasher(env, users as unknown as UsersService, metrics ?? null);
  await hasher.onModuleInit();
  return hasher;
}

describe(PasswordHasher.name, () => {
  let hasher: PasswordHasher;
  beforeAll(async () => {
    hasher = await createHasher();
  });

  describe('verify', () => {
    const password = [...'🍿é'.repeat(32)];
    let stored: string;
    beforeAll(async () => {
      stored = await hasher.hashPassword(password.join(''));
    });

    it('knows the password', async () => {
      await expect(hasher.checkPassword(password.join(''), stored)).resolves.toBe(true);
    });

    it('knows it in another spelling of the same characters', async () => {
      await expect(hasher.checkPassword(password.join('').normalize('NFD'), stored)).resolves.toBe(true);
    });

    it.each([0, 1, 17, 18, 24, 47, 62, 63])('tells a change of character %i of 64', async (index) => {
      const other = password.with(index, 'x').join('');
      await expect(hasher.checkPassword(other, stored)).resolves.toBe(false);
    });

    it.each([
      ['one character less', password.slice(0, -1)],
      ['one character more', [...password, 'x']],
      ['a NUL and more', [...password, '\0', 'x']],
      ['the same in another case', [...password.join('').toUpperCase()]],
      ['nothing', []],
    ])('tells %s', async (_what, characters) => {
      await expect(hasher.checkPassword(characters.join(''), stored)).resolves.toBe(false);
    });

    it('knows nobody who is not stored, whatever the password', async () => {
      await expect(hasher.checkPassword(password.join(''), undefined)).resolves.toBe(false);
    });

    it('works as hard for somebody who is not stored', async () => {
      const compare = jest.spyOn(bcrypt, 'compare');
      const costly = await createHasher({ cost: 11 });
      await costly.checkPassword('whatever', undefined);
      expect(compare.mock.calls.map(([, hash]) => bcrypt.getRounds(hash))).toEqual([11]);
      compare.mockRestore();
    });
  });

  describe('hash', () => {
    it('gives two users with one password two hashes', async () => {
      expect(await hasher.hashPassword('correct horse')).not.toBe(await hasher.hashPassword('correct horse'));
    });

    it('says that no pepper was used', async () => {
      await expect(hasher.hashPassword('correct horse')).resolves.toMatch(/^v0\$\$2b\$10\$/);
    });

    it('says that a pepper was used, and depends on it', async () => {
      const peppered = await createHasher({ pepper: PEPPER, cost: 11 });
      const stored = await peppered.hashPassword('correct horse');
      expect(stored).toMatch(/^v1\$\$2b\$11\$/);
      await expect(peppered.checkPassword('correct horse', stored)).resolves.toBe(true);
      const another = await createHasher({ pepper: `${PEPPER}!` });
      await expect(another.checkPassword('correct horse', stored)).resolves.toBe(false);
    });
  });

  describe('with more to do than it can', () => {
    it('works for two, lets sixteen wait and sends the rest away', async () => {
      const results = await Promise.allSettled(
        Array.from({ length: 30 }, () => hasher.hashPassword('correct horse')),
      );
      const [accepted, shed] = [results.slice(0, 18), results.slice(18)];
      expect(accepted.map(({ status }) => status)).toEqual(Array(18).fill('fulfilled'));
      expect(shed).toEqual(
        Array(12).fill({ status: 'rejected', reason: expect.objectContaining(OVERLOADED) }),
      );
    });

    it('tells how many are at work, wait and were sent away', async () => {
      const metrics = new Metrics();
      const reporting = await createHasher({ metrics });
      const told = async () => {
        const text = await metrics.text();
        return ['running', 'waiting', 'refused_total'].map((name) =>
          Number(new RegExp(`^watchlist_password_hashes_${name} (\\d+)$`, 'm').exec(text)?.[1]),
        );
      };
      expect(await told()).toEqual([0, 0, 0]);
      const all = Promise.allSettled(
        Array.from({ length: 30 }, () => reporting.hashPassword('correct horse')),
      );
      expect(await told()).toEqual([2, 16, 12]);
      await all;
      expect(await told()).toEqual([0, 0, 12]);
    });

    it('counts who signs up and who signs in together', async () => {
      const stored = await hasher.hashPassword('correct horse');
      const results = await Promise.allSettled([
        ...Array.from({ length: 9 }, () => hasher.hashPassword('correct horse')),
        ...Array.from({ length: 9 }, () => hasher.checkPassword('correct horse', stored)),
        hasher.checkPassword('correct horse', undefined),
      ]);
      expect(results.map(({ status }) => status)).toEqual([...Array(18).fill('fulfilled'), 'rejected']);
    });

    it('has room again afterwards', async () => {
      await expect(hasher.hashPassword('correct horse')).resolves.toMatch(/^v0\$/);
    });

    it('does not hide other trouble', async () => {
      const trouble = new Error('out of memory');
      const hash = jest.spyOn(bcrypt, 'hash').mockRejectedValueOnce(trouble as never);
      await expect(hasher.hashPassword('correct horse')).rejects.toBe(trouble);
      hash.mockRestore();
    });
  });

  describe('isOutdated', () => {
    it.each<[string, Options, Options, boolean]>([
      ['made today', {}, {}, false],
      ['made with a pepper today', { pepper: PEPPER }, { pepper: PEPPER }, false],
      ['made before there was a pepper', {}, { pepper: PEPPER }, true],
      ['made when it cost less', { cost: 10 }, { cost: 11 }, true],
      ['made when it cost more', { cost: 11 }, { cost: 10 }, true],
    ])('of a hash %s', async (_when, then, now, outdated) => {
      const stored = await (await createHasher(then)).hashPassword('correct horse');
      expect((await createHasher(now)).isOutdated(stored)).toBe(outdated);
    });
  });

  describe('onModuleInit', () => {
    it('stops the boot when the pepper of stored hashes is missing', async () => {
      await expect(createHasher({ peppered: true })).rejects.toThrow(/PASSWORD_PEPPER/);
    });

    it('is content when the pepper is there', async () => {
      await expect(createHasher({ peppered: true, pepper: PEPPER })).resolves.toBeInstanceOf(PasswordHasher);
    });
  });
});
