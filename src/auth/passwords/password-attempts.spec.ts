import type { AuditService } from '../../audit/audit.service.js';
import { OverloadedError, RateLimitedError } from '../../common/errors/common.errors.js';
import { requestContext } from '../../common/http/request-context.js';
import { AttemptStorage } from '../../common/rate-limit/attempt-storage.js';
import { parseEnv } from '../../config/env.js';
import type { SessionsService } from '../sessions/sessions.service.js';
import type { UsersService } from '../../users/users.service.js';
import { PasswordAttempts } from './password-attempts.js';

const ADA = { email: 'ada@example.com' };
const FREE = 5;

describe(PasswordAttempts.name, () => {
  let attempts: PasswordAttempts;
  let recorded: unknown[];
  let storage: AttemptStorage;
  beforeEach(() => {
    recorded = [];
    storage = new AttemptStorage(null);
    attempts = new PasswordAttempts(
      parseEnv({ JWT_SECRET: 'Jq3vT9xLw2ZbR7mKd5HcYf8NsGp4UaE1', RATE_LIMIT_ACCOUNT: `${FREE}/900` }),
      storage,
      {
        isUsedFrom: async (_email: string, address: string) => address === 'home',
      } as unknown as SessionsService,
      { findByEmail: async () => null } as unknown as UsersService,
      { record: async (entry: unknown) => recorded.push(entry) } as unknown as AuditService,
      null,
    );
  });

  const check = <T>(result: () => Promise<T | null>, address = '203.0.113.1') =>
    requestContext.run({ requestId: '1', address }, () => attempts.check(ADA, result));
  const wrong = async () => null;

  it('hands on what the check says', async () => {
    expect(await check(async () => 'right')).toBe('right');
    expect(await check(wrong)).toBeNull();
  });

  it('does not look at a password whose time has not come', async () => {
    const looked = jest.fn(wrong);
    const answers = await Promise.allSettled(Array.from({ length: 20 }, () => check(looked)));
    expect(looked).toHaveBeenCalledTimes(FREE);
    const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
    expect(refused).toHaveLength(20 - FREE);
    for (const error of refused) expect(error).toBeInstanceOf(RateLimitedError);
    expect(recorded).toHaveLength(1);
  });

  it('does not count those that the server could not look at', async () => {
    for (let n = 0; n < 20; n++)
      await expect(check(() => Promise.reject(new OverloadedError()))).rejects.toBeInstanceOf(
        OverloadedError,
      );
    for (let n = 0; n < FREE; n++) expect(await check(wrong)).toBeNull();
  });

  it('never gets to a count where each second one is right', async () => {
    for (let n = 0; n < 20; n++) {
      expect(await check(wrong)).toBeNull();
      expect(await check(async () => 'right')).toBe('right');
    }
  });

  it('looks where the owner is signed in only when the account is under attack', async () => {
    const reserve = jest.spyOn(storage, 'reserve');
    await check(wrong, 'home');
    expect(reserve).toHaveBeenCalledTimes(1);
    await Promise.allSettled(Array.from({ length: 50 }, (_, n) => check(wrong, `elsewhere ${n}`)));
    expect(await check(async () => 'right', 'home')).toBe('right');
  });

  it('names neither account nor address to whoever reads what is stored', async () => {
    const reserve = jest.spyOn(storage, 'reserve');
    await check(wrong);
    const { account } = reserve.mock.calls[0]![0];
    expect(account).toMatch(/^[\w-]{22}$/);
    expect(account).not.toContain('ada');
  });
});
