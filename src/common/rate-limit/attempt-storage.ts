import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { Result } from 'ioredis';
import { REDIS } from '../redis/redis.module.js';
import type { RedisConnection } from '../redis/redis-connection.js';
import {
  type Attempt,
  AttemptLog,
  type AttemptRules,
  type AttemptVerdict,
  ATTEMPTS_KEPT_MS,
  pairKey,
} from './attempt-log.js';

/**
 * {@link AttemptLog.reserve}, atomic and on Redis's own clock. All times in milliseconds.
 *
 * KEYS[3] names this Redis for as long as it remembers. A count that the caller got under another name (Redis has been
 * emptied since) or made by itself (Redis was away) is taken over when it is the higher one. Under the same name Redis
 * knows better: what it does not have was cleared.
 */
const RESERVE = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local kept = tonumber(ARGV[8])
local name = redis.call('GET', KEYS[3])
if not name then
  name = ARGV[9]
  redis.call('SET', KEYS[3], name)
end
local function load(key, first)
  local stored = redis.call('HMGET', key, 'wrong', 'at', 'since', 'refused')
  local count = { wrong = tonumber(stored[1]) or 0, at = tonumber(stored[2]) or now, since = tonumber(stored[3]), refused = stored[4] }
  if ARGV[first] ~= name and tonumber(ARGV[first + 1]) > count.wrong then
    count.wrong = tonumber(ARGV[first + 1])
    count.at = now - tonumber(ARGV[first + 2])
    redis.call('HSET', key, 'wrong', count.wrong, 'at', count.at)
    redis.call('PEXPIRE', key, kept)
  end
  return count
end
local function wait(count, first)
  local free = tonumber(ARGV[first])
  if count.wrong < free then return 0 end
  return math.max(0, count.at + math.min(ARGV[first + 1] * 2 ^ (count.wrong - free), tonumber(ARGV[first + 2])) - now)
end
local pair = load(KEYS[1], 10)
local account = load(KEYS[2], 13)
local pairWait = wait(pair, 1)
local accountWait = 0
if ARGV[7] == '0' then accountWait = wait(account, 4) end
if pair.since then accountWait = math.max(0, math.min(accountWait, pair.since + ARGV[3] - now)) end
local waiting = math.max(pairWait, accountWait)
local first = 0
if waiting > 0 then
  local function refuse(key, count, byIt)
    if byIt and not count.refused then
      first = 1
      redis.call('HSET', key, 'refused', 1)
      redis.call('PEXPIRE', key, kept)
    end
  end
  if accountWait > 0 and not pair.since then
    redis.call('HSET', KEYS[1], 'since', now)
    redis.call('PEXPIRE', KEYS[1], kept)
  end
  refuse(KEYS[1], pair, pairWait > 0)
  refuse(KEYS[2], account, accountWait > 0)
else
  for index, count in ipairs({ pair, account }) do
    redis.call('HSET', KEYS[index], 'wrong', count.wrong + 1, 'at', now, 'before', count.at)
    redis.call('PEXPIRE', KEYS[index], kept)
    count.wrong = count.wrong + 1
    count.at = now
  end
  redis.call('HDEL', KEYS[1], 'since')
end
return { name, math.ceil(waiting), pairWait == 0 and 1 or 0, first, pair.wrong, now - pair.at, account.wrong, now - account.at }
`;

const GIVE_BACK = `
for _, key in ipairs(KEYS) do
  local before = redis.call('HGET', key, 'before')
  if redis.call('HINCRBY', key, 'wrong', -1) <= 0 then redis.call('DEL', key)
  elseif before then redis.call('HSET', key, 'at', before) end
end
`;

type Reply = [
  name: string,
  waitMs: number,
  onlyByAccount: number,
  isFirstRefusal: number,
  ...counts: [pairWrong: number, pairAge: number, accountWrong: number, accountAge: number],
];

declare module 'ioredis' {
  interface RedisCommander<Context> {
    attemptReserve(...keysAndArguments: (string | number)[]): Result<Reply, Context>;
    attemptGiveBack(pair: string, account: string): Result<null, Context>;
  }
}

/** Whatever answers there may not be Redis. */
function isReply(reply: unknown): reply is Reply {
  return (
    Array.isArray(reply) &&
    reply.length === 8 &&
    typeof reply[0] === 'string' &&
    reply.slice(1).every(Number.isFinite)
  );
}

const NAME_KEY = 'attempts:name';
/** The account in braces: both of its keys belong together wherever Redis is cut in pieces. */
const keysOf = ({ account, place }: Attempt): [string, string] => [
  `attempts:{${account}}:${place}`,
  `attempts:{${account}}`,
];

/**
 * Where attempts are counted. With Redis for all instances together; each keeps what Redis told it last, goes on
 * counting from there when Redis does not answer, and tells it to a Redis that has forgotten or comes back. Without
 * Redis the own log is all there is.
 */
@Injectable()
export class AttemptStorage {
  private readonly local = new AttemptLog();

  constructor(@Inject(REDIS) private readonly redis: RedisConnection | null) {
    redis?.define('attemptReserve', RESERVE, 3);
    redis?.define('attemptGiveBack', GIVE_BACK, 2);
  }

  /** Counts the attempt as wrong if it may be made. */
  async reserve(attempt: Attempt, rules: AttemptRules): Promise<AttemptVerdict> {
    const reply = await this.redis?.attempt((client) =>
      client.attemptReserve(...keysOf(attempt), NAME_KEY, ...this.argumentsOf(attempt, rules)),
    );
    if (!isReply(reply)) return this.local.reserve(attempt, rules);
    const [name, waitMs, onlyByAccount, isFirstRefusal, pairWrong, pairAge, accountWrong, accountAge] = reply;
    const now = performance.now();
    this.local.remember(pairKey(attempt), { wrong: pairWrong, at: now - pairAge, source: name });
    this.local.remember(attempt.account, { wrong: accountWrong, at: now - accountAge, source: name });
    return {
      allowed: waitMs === 0,
      waitMs,
      onlyByAccount: waitMs > 0 && onlyByAccount === 1,
      isFirstRefusal: isFirstRefusal === 1,
    };
  }

  /** It was not made after all. */
  async giveBack(attempt: Attempt): Promise<void> {
    this.local.giveBack(attempt);
    await this.redis?.attempt((client) => client.attemptGiveBack(...keysOf(attempt)));
  }

  /** It was right. */
  async clear(attempt: Attempt): Promise<void> {
    this.local.clear(attempt);
    await this.redis?.attempt((client) => client.del(...keysOf(attempt)));
  }

  private argumentsOf(attempt: Attempt, { pair, account }: AttemptRules): (string | number)[] {
    const now = performance.now();
    const own = [pairKey(attempt), attempt.account].flatMap((key) => {
      const { source, wrong, at } = this.local.copyOf(key, now);
      return [source, wrong, Math.round(now - at)];
    });
    return [
      pair.free,
      pair.firstMs,
      pair.longestMs,
      account.free,
      account.firstMs,
      account.longestMs,
      attempt.isKnown ? 1 : 0,
      ATTEMPTS_KEPT_MS,
      randomBytes(9).toString('base64url'),
      ...own,
    ];
  }
}
