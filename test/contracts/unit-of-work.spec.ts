import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import sqlite3 from 'sqlite3';
import type { EntityManager } from 'typeorm';
import { AuditLog } from '../../src/audit/audit-log.entity.js';
import {
  DependencyDownError,
  OverloadedError,
  ShuttingDownError,
} from '../../src/common/errors/common.errors.js';
import { requestContext } from '../../src/common/http/request-context.js';
import { parseEnv } from '../../src/config/env.js';
import { POOL_SIZE } from '../../src/database/data-source.js';
import { openDatabase } from '../../src/database/database.module.js';
import { SCHEMA } from '../../src/schema.js';
import type { UnitOfWork } from '../../src/database/unit-of-work.js';
import { User } from '../../src/users/user.entity.js';
import { eventually } from '../support/eventually.js';
import { gate } from '../support/gate.js';
import { createPostgres, createSqlite, type Storage } from '../support/stack.js';

const KINDS = [
  ['SQLite', createSqlite],
  ['PostgreSQL', createPostgres],
] as const;

const configOf = ({ env }: Storage) =>
  parseEnv({ ...env, JWT_SECRET: 'Jq3vT9xLw2ZbR7mKd5HcYf8NsGp4UaE1' }).DATABASE_URL;

const insertUser = (manager: EntityManager, name: string) =>
  manager.insert(User, {
    email: name,
    passwordHash: '',
    role: 'user',
    disabled: false,
    createdAt: new Date(),
  });
const insertLog = (manager: EntityManager, name: string, changes = {}) =>
  manager.insert(AuditLog, {
    occurredAt: new Date(),
    actorEmail: name,
    action: 'test',
    resourceType: 'test',
    changes,
    deliveryAttempts: 0,
  });
const usersIn = async (manager: EntityManager) =>
  (await manager.find(User, { order: { email: 'ASC' } })).map(({ email }) => email);
const logsIn = async (manager: EntityManager) =>
  (await manager.find(AuditLog, { order: { actorEmail: 'ASC' } })).map(({ actorEmail }) => actorEmail);

class Refused extends Error {}
const ENDED = 'the transaction of this call has ended';

describe.each(KINDS)('the unit of work on %s', (_kind, createStorage) => {
  let storage: Storage;
  let database: UnitOfWork;
  beforeEach(async () => {
    storage = await createStorage();
    database = await openDatabase(configOf(storage), SCHEMA);
  });
  afterEach(async () => {
    await database.close();
    await storage.remove();
  });

  const add = (name: string) => database.write((manager) => insertUser(manager, name));
  const users = () => database.read(usersIn);
  const reopen = async () => {
    await database.close();
    database = await openDatabase(configOf(storage), SCHEMA);
  };

  describe('write', () => {
    it('keeps everything that was done in it, and gives back its result', async () => {
      const result = await database.write(async (manager) => {
        await insertUser(manager, 'ada');
        await insertUser(manager, 'grace');
        return 42;
      });
      expect(result).toBe(42);
      expect(await users()).toEqual(['ada', 'grace']);
      await reopen();
      expect(await users()).toEqual(['ada', 'grace']);
    });

    it('leaves nothing when it throws, and throws that error', async () => {
      const failing = database.write(async (manager) => {
        await insertUser(manager, 'ada');
        throw new Refused();
      });
      await expect(failing).rejects.toBeInstanceOf(Refused);
      expect(await users()).toEqual([]);
    });

    it('leaves nothing when the database refuses one of its statements', async () => {
      await add('ada');
      const failing = database.write(async (manager) => {
        await insertUser(manager, 'grace');
        await insertUser(manager, 'ada');
      });
      await expect(failing).rejects.toThrow(/unique/i);
      expect(await users()).toEqual(['ada']);
    });

    it('leaves nothing either when that refusal was caught, so that half of it is never taken for the whole', async () => {
      await add('ada');
      const failing = database.write(async (manager) => {
        await insertUser(manager, 'grace');
        await insertUser(manager, 'ada').catch(() => undefined);
        await insertUser(manager, 'hedy').catch(() => undefined);
      });
      await expect(failing).rejects.toThrow(/unique/i);
      expect(await users()).toEqual(['ada']);
    });

    it('works on after one that failed', async () => {
      await expect(database.write(() => Promise.reject(new Refused()))).rejects.toBeInstanceOf(Refused);
      await add('ada');
      await reopen();
      expect(await users()).toEqual(['ada']);
    });

    it('does not take another write with it when it fails', async () => {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 40 }, (_, n) =>
          database.write(async (manager) => {
            await insertUser(manager, `user-${String(n).padStart(2, '0')}`);
            await sleep(1);
            if (n % 2 === 0) throw new Refused();
          }),
        ),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(20);
      await reopen();
      expect(await users()).toEqual(
        Array.from({ length: 20 }, (_, n) => `user-${String(2 * n + 1).padStart(2, '0')}`),
      );
    });

    it('leaves nothing of statements that were still under way when it failed', async () => {
      const failing = database.write((manager) =>
        Promise.all([
          ...Array.from({ length: 20 }, (_, n) => insertUser(manager, `user-${n}`)),
          sleep(1).then(() => Promise.reject(new Refused())),
          Promise.reject(new Refused()),
        ]),
      );
      await expect(failing).rejects.toBeInstanceOf(Refused);
      await add('ada');
      expect(await users()).toEqual(['ada']);
    });
  });

  describe('a write within a write', () => {
    it('is part of it: both are kept', async () => {
      await database.write(async (manager) => {
        await insertUser(manager, 'ada');
        await add('grace');
      });
      expect(await users()).toEqual(['ada', 'grace']);
    });

    it('is part of it: both are gone when the outer one fails afterwards', async () => {
      const failing = database.write(async () => {
        await add('ada');
        await database.write(() => add('grace'));
        throw new Refused();
      });
      await expect(failing).rejects.toBeInstanceOf(Refused);
      expect(await users()).toEqual([]);
    });

    it('is part of it: both are gone when the inner one fails', async () => {
      const failing = database.write(async () => {
        await add('ada');
        await database.write(() => Promise.reject(new Refused()));
      });
      await expect(failing).rejects.toBeInstanceOf(Refused);
      expect(await users()).toEqual([]);
    });
  });

  describe('read', () => {
    it('sees within a write what that write has done so far', async () => {
      await database.write(async (manager) => {
        expect(await users()).toEqual([]);
        await insertUser(manager, 'ada');
        expect(await users()).toEqual(['ada']);
        await add('grace');
        expect(await users()).toEqual(['ada', 'grace']);
      });
    });

    it('sees outside of it nothing of a write before that is done', async () => {
      const half = gate();
      const looked = gate();
      const writing = database.write(async (manager) => {
        await insertUser(manager, 'ada');
        half.open();
        await looked.opened;
        await insertUser(manager, 'grace');
      });
      await half.opened;
      expect(await users()).toEqual([]);
      looked.open();
      await writing;
      expect(await users()).toEqual(['ada', 'grace']);
    });

    it('gives back an error as it is', async () => {
      await expect(database.read(() => Promise.reject(new Refused()))).rejects.toBeInstanceOf(Refused);
      await expect(database.read((manager) => manager.query('SELECT oops'))).rejects.toThrow(/oops/);
    });
  });

  describe('afterCommit', () => {
    it('runs when others can see the write, in the order in which it was asked for', async () => {
      const ran: string[] = [];
      await database.write(async () => {
        database.afterCommit(() => ran.push('first'));
        await database.write(async () => database.afterCommit(() => ran.push('second, of the inner one')));
        database.afterCommit(() => ran.push('third'));
        await add('ada');
        expect(ran).toEqual([]);
      });
      expect(ran).toEqual(['first', 'second, of the inner one', 'third']);
    });

    it('may look at what was written, and write', async () => {
      const later = await new Promise<string[]>((resolve) => {
        void database.write(async () => {
          await add('ada');
          database.afterCommit(() => {
            resolve(add('grace').then(users));
          });
        });
      });
      expect(later).toEqual(['ada', 'grace']);
    });

    it('does not run when the write fails', async () => {
      const ran: string[] = [];
      const failing = database.write(async () => {
        database.afterCommit(() => ran.push('oops'));
        throw new Refused();
      });
      await expect(failing).rejects.toBeInstanceOf(Refused);
      await add('ada');
      expect(ran).toEqual([]);
    });

    it('cannot undo or fail the write, nor keep the next from running', async () => {
      const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
      const ran: string[] = [];
      const failure = new Refused();
      await database.write(async () => {
        await add('ada');
        database.afterCommit(() => {
          throw failure;
        });
        database.afterCommit(() => ran.push('next'));
      });
      expect(ran).toEqual(['next']);
      expect(await users()).toEqual(['ada']);
      expect(logged.mock.calls).toEqual([[expect.stringContaining('after-commit'), failure]]);
      logged.mockRestore();
    });

    it('is refused outside a write', async () => {
      expect(() => database.afterCommit(() => undefined)).toThrow('outside a write');
      await database.read(async () => {
        expect(() => database.afterCommit(() => undefined)).toThrow('outside a write');
      });
    });
  });

  describe('work that goes on after its write has ended', () => {
    /** Starts `work` in a write that does not wait for it, and lets it go on only when that write is over. */
    async function belated<T>(work: (manager: EntityManager) => T, failing = false): Promise<Awaited<T>> {
      const ended = gate();
      let late!: Promise<T>;
      const writing = database.write(async (manager) => {
        await insertUser(manager, 'ada');
        late = ended.opened.then(() => work(manager));
        if (failing) throw new Refused();
      });
      // oxlint-disable-next-line jest/valid-expect -- it is awaited, whichever of the two it is
      await (failing ? expect(writing).rejects.toBeInstanceOf(Refused) : writing);
      ended.open();
      return await late;
    }

    it.each([
      ['a write', () => add('late')],
      ['a read', () => users()],
      ['afterCommit', () => database.afterCommit(() => undefined)],
    ])('is refused: %s', async (_what, work) => {
      await expect(belated(work)).rejects.toThrow(ENDED);
      expect(await users()).toEqual(['ada']);
    });

    it.each([
      ['kept', false],
      ['undone', true],
    ])('is refused also when it holds on to the manager of a write that was %s', async (_what, failing) => {
      await expect(belated((manager) => insertUser(manager, 'late'), failing)).rejects.toThrow(ENDED);
      expect(await users()).toEqual(failing ? [] : ['ada']);
    });

    it("is refused while somebody else's write is under way, and does not end up in that", async () => {
      const ended = gate();
      let late!: Promise<unknown>;
      await database.write(async (manager) => {
        late = ended.opened.then(() => insertUser(manager, 'late'));
      });
      await database.write(async (manager) => {
        await insertUser(manager, 'grace');
        ended.open();
        await expect(late).rejects.toThrow(ENDED);
      });
      expect(await users()).toEqual(['grace']);
    });
  });

  describe('whoever asked', () => {
    it('is still known in a write that had to wait for others', async () => {
      const known = () => requestContext.get()?.requestId;
      const afterwards: unknown[] = [];
      const seen = await Promise.all(
        Array.from({ length: 50 }, (_, n) =>
          requestContext.run({ requestId: `request-${n}`, address: '::1' }, () =>
            database.write(async (manager) => {
              await insertUser(manager, `user-${n}`);
              await sleep(1);
              await users();
              database.afterCommit(() => afterwards.push([n, known()]));
              return known();
            }),
          ),
        ),
      );
      const all = Array.from({ length: 50 }, (_, n) => `request-${n}`);
      expect(seen).toEqual(all);
      expect(Object.fromEntries(afterwards as [number, string][])).toEqual(Object.fromEntries(all.entries()));
    });
  });

  it('loses nothing, invents nothing and shows nothing early: 20 clients with 100 writes each, one in five failing', async () => {
    const kept: string[] = [];
    const dirty: object[] = [];
    let reads = 0;
    const errors: unknown[] = [];
    let done = false;
    const client = async (n: number) => {
      for (let i = 0; i < 100; i++) {
        const name = `${i % 5 === n % 5 ? 'doomed' : 'kept'}-${n}-${i}`;
        try {
          await database.write(async (manager) => {
            await insertUser(manager, name);
            if (i % 3 === 0) await sleep(Math.random() * 2);
            await insertLog(manager, name);
            if (name.startsWith('doomed')) throw new Refused();
          });
          kept.push(name);
        } catch (error) {
          // Who was told to come back does: nothing of it may be there.
          if (error instanceof OverloadedError) i--;
          else if (!(error instanceof Refused)) errors.push(error);
        }
      }
    };
    // One statement sees one moment: a user without its log row, or a doomed one, is something not committed.
    const reader = async () => {
      while (!done) {
        const [{ users, logs, doomed }] = (await database.read((manager) =>
          manager.query(`SELECT
            (SELECT COUNT(*) FROM users) AS users,
            (SELECT COUNT(*) FROM audit_logs) AS logs,
            (SELECT COUNT(*) FROM users WHERE email LIKE 'doomed%') AS doomed`),
        )) as [Record<string, string | number>];
        reads++;
        if (Number(users) !== Number(logs) || Number(doomed) !== 0) dirty.push({ users, logs, doomed });
        await sleep(1);
      }
    };
    const readers = [reader(), reader()];
    await Promise.all(Array.from({ length: 20 }, (_, n) => client(n)));
    done = true;
    await Promise.all(readers);

    expect({ errors, dirty }).toEqual({ errors: [], dirty: [] });
    expect(reads).toBeGreaterThan(10);
    expect(kept).toHaveLength(1600);
    for (const again of [false, true]) {
      if (again) await reopen();
      expect(await users()).toEqual([...kept].sort());
      expect(await database.read(logsIn)).toEqual([...kept].sort());
    }
  }, 120_000);
});

describe('closing the database while it is written to', () => {
  it.each(KINDS)(
    'on %s keeps what was acknowledged and refuses what comes later',
    async (_kind, createStorage) => {
      const storage = await createStorage();
      try {
        const database = await openDatabase(configOf(storage), SCHEMA);
        const kept: string[] = [];
        const writes = Array.from({ length: 30 }, async (_, n) => {
          const name = `user-${String(n).padStart(2, '0')}`;
          await database.write((manager) => insertUser(manager, name));
          kept.push(name);
        });
        await writes[0];
        await database.close();
        await Promise.allSettled(writes);
        await expect(database.write((manager) => insertUser(manager, 'late'))).rejects.toBeInstanceOf(
          ShuttingDownError,
        );
        await expect(database.read(usersIn)).rejects.toBeInstanceOf(ShuttingDownError);

        const again = await openDatabase(configOf(storage), SCHEMA);
        const found = await again.read(usersIn);
        await again.close();
        expect(kept.length).toBeGreaterThan(0);
        // PostgreSQL may have committed one whose answer did not arrive any more.
        expect(found).toEqual(expect.arrayContaining(kept));
      } finally {
        await storage.remove();
      }
    },
  );
});

describe('the unit of work on SQLite', () => {
  let storage: Storage;
  let database: UnitOfWork;
  beforeEach(async () => {
    storage = await createSqlite();
    database = await openDatabase(configOf(storage), SCHEMA);
  });
  afterEach(async () => {
    await database.close();
    await storage.remove();
  });

  const add = (name: string) => database.write((manager) => insertUser(manager, name));
  const users = () => database.read(usersIn);
  const pragma = async (name: string) =>
    Object.values(
      (await database.write((manager) => manager.query(`PRAGMA ${name}`)))[0] as object,
    )[0] as unknown;
  const reopen = async () => {
    await database.close();
    database = await openDatabase(configOf(storage), SCHEMA);
  };

  it.each([
    ['journal_mode', 'wal'],
    // 2 is FULL: the disk has what is acknowledged.
    ['synchronous', 2],
    ['foreign_keys', 1],
  ])('writes with %s = %s', async (name, value) => {
    expect(await pragma(name)).toBe(value);
  });

  it('cannot write through the side that reads', async () => {
    const refused = { cause: { message: expect.stringContaining('readonly') as string } };
    await expect(database.read((manager) => insertUser(manager, 'ada'))).rejects.toMatchObject(refused);
    await expect(database.read((manager) => manager.query('DROP TABLE users'))).rejects.toMatchObject(
      refused,
    );
    expect(await users()).toEqual([]);
  });

  describe('when the disk is full', () => {
    const fill = async () => pragma(`max_page_count = ${String(await pragma('page_count'))}`);
    const free = () => pragma('max_page_count = 1000000');
    const LARGE = { text: 'x'.repeat(100_000) };

    const addLarge = (name: string) =>
      database.write(async (manager) => {
        await insertUser(manager, name);
        await insertLog(manager, name, LARGE);
      });

    it('refuses writes with 503, leaves nothing of them and goes on reading', async () => {
      await add('ada');
      await fill();
      for (let n = 0; n < 5; n++) {
        const refusal = await addLarge(`user-${n}`).catch((error: unknown) => error);
        expect(refusal).toBeInstanceOf(DependencyDownError);
        expect(refusal).toMatchObject({ status: 503, code: 'DEPENDENCY_DOWN' });
        expect(await users()).toEqual(['ada']);
      }
    });

    it('accepts the first write after there is space again, and has all that was acknowledged after a restart', async () => {
      const kept: string[] = [];
      const attempt = async (name: string) => {
        try {
          await addLarge(name);
          kept.push(name);
          return true;
        } catch (error) {
          expect(error).toBeInstanceOf(DependencyDownError);
          return false;
        }
      };
      for (let round = 0; round < 5; round++) {
        expect(await attempt(`first-${round}`)).toBe(true);
        await fill();
        const outcomes = await Promise.all(
          Array.from({ length: 5 }, (_, n) => attempt(`full-${round}-${n}`)),
        );
        expect(outcomes).toContain(false);
        await free();
      }
      expect(await attempt('last')).toBe(true);
      expect(await users()).toEqual([...kept].sort());
      await reopen();
      expect(await users()).toEqual([...kept].sort());
      expect(await database.read(logsIn)).toEqual([...kept].sort());
    });

    it.each([
      ['one after the other', false],
      ['all at once', true],
    ])('keeps nothing of a write that caught the error and went on, %s', async (_what, atOnce) => {
      await fill();
      const failing = database.write(async (manager) => {
        const steps = [
          () => insertUser(manager, 'ada'),
          () => insertLog(manager, 'too much', LARGE),
          () => insertUser(manager, 'grace'),
        ];
        if (atOnce) await Promise.allSettled(steps.map((step) => step()));
        else for (const step of steps) await step().catch(() => undefined);
      });
      await expect(failing).rejects.toBeInstanceOf(DependencyDownError);
      await free();
      await reopen();
      expect(await users()).toEqual([]);
    });
  });

  describe('when another program holds the lock', () => {
    let other: sqlite3.Database;
    const execute = (sql: string) =>
      new Promise<void>((resolve, reject) => other.exec(sql, (error) => (error ? reject(error) : resolve())));
    beforeEach(async () => {
      other = new sqlite3.Database((configOf(storage) as { file: string }).file);
      await execute('BEGIN IMMEDIATE');
    });
    afterEach(() => new Promise<void>((resolve) => other.close(() => resolve())));

    it('refuses writes with 503, goes on reading, and writes again when it is let go', async () => {
      const refusal = await add('ada').catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(DependencyDownError);
      expect(await users()).toEqual([]);
      await execute('ROLLBACK');
      await add('ada');
      await reopen();
      expect(await users()).toEqual(['ada']);
    });

    it('waits for it a little, and does everything once', async () => {
      let tries = 0;
      const told: string[] = [];
      await database.write(async (manager) => {
        tries++;
        database.afterCommit(() => told.push('ada'));
        // Reads first: then SQLite does not wait at all when it comes to writing.
        await usersIn(manager);
        await insertUser(manager, 'ada').catch(async (error: unknown) => {
          await execute('ROLLBACK');
          throw error;
        });
      });
      expect(tries).toBeGreaterThan(1);
      expect(told).toEqual(['ada']);
      expect(await users()).toEqual(['ada']);
    });
  });

  describe('when many want to write', () => {
    /** A write that is under way until the gate is opened. */
    async function longWrite() {
      const begun = gate();
      const end = gate();
      const done = database.write(async (manager) => {
        await insertUser(manager, 'long');
        begun.open();
        await end.opened;
      });
      await begun.opened;
      return { done, end: end.open };
    }

    it('lets 256 wait and refuses more with 503 at once', async () => {
      const long = await longWrite();
      const ran: number[] = [];
      const waiting = Array.from({ length: 300 }, (_, n) => database.write(async () => ran.push(n)));
      const refusals = await Promise.allSettled(waiting.slice(256));
      expect(ran).toEqual([]);
      for (const refusal of refusals as PromiseRejectedResult[]) {
        expect(refusal.reason).toBeInstanceOf(OverloadedError);
        expect(refusal.reason).toMatchObject({ status: 503, code: 'OVERLOADED' });
      }
      long.end();
      await Promise.all([long.done, ...waiting.slice(0, 256)]);
      expect(ran).toEqual(Array.from({ length: 256 }, (_, n) => n));
      await add('ada');
      expect(await users()).toEqual(['ada', 'long']);
    });

    it('writes in one transaction what has come while another one was written', async () => {
      const { connection } = await database.write(async (manager) => manager);
      const logQuery = jest.spyOn(connection.logger, 'logQuery');
      const long = await longWrite();
      const waiting = Array.from({ length: 10 }, (_, n) => add(`user ${n}`));
      long.end();
      await Promise.all([long.done, ...waiting]);
      expect(await users()).toHaveLength(11);
      // The long one's, and one for all that waited.
      expect(logQuery.mock.calls.filter(([text]) => text === 'COMMIT')).toHaveLength(2);
      logQuery.mockRestore();
    });

    it('does without the one that fails what has come together, each once and in its turn', async () => {
      const long = await longWrite();
      const told: string[] = [];
      const addAndTell = (name: string, fails: boolean) =>
        database.write(async (manager) => {
          await insertUser(manager, name);
          database.afterCommit(() => told.push(name));
          if (fails) throw new Refused();
        });
      const names = Array.from({ length: 10 }, (_, n) => `user ${n}`);
      const waiting = names.map((name, n) => addAndTell(name, n === 4));
      long.end();
      const outcomes = await Promise.allSettled(waiting);
      expect(outcomes.map(({ status }) => status === 'rejected')).toEqual(names.map((_name, n) => n === 4));
      expect((outcomes[4] as PromiseRejectedResult).reason).toBeInstanceOf(Refused);
      const kept = names.filter((_name, n) => n !== 4);
      expect(told).toEqual(kept);
      expect(await users()).toEqual(['long', ...kept]);
    });

    it('refuses with 503 who has waited for too long, and does nothing of it later', async () => {
      const long = await longWrite();
      await expect(add('impatient')).rejects.toBeInstanceOf(OverloadedError);
      long.end();
      await long.done;
      await add('ada');
      expect(await users()).toEqual(['ada', 'long']);
    }, 30_000);
  });
});

describe('the unit of work on PostgreSQL', () => {
  let storage: Storage;
  let database: UnitOfWork;
  beforeEach(async () => {
    storage = await createPostgres();
    database = await openDatabase(configOf(storage), SCHEMA);
  });
  afterEach(async () => {
    await database.close();
    await storage.remove();
  });

  const users = () => database.read(usersIn);
  const query = (sql: string, parameters?: unknown[]) =>
    database.read((manager) => manager.query(sql, parameters)) as Promise<Record<string, unknown>[]>;

  describe('when the connection of a write breaks', () => {
    const begun = () =>
      eventually(async () => {
        const rows = await query(
          `SELECT pid, state FROM pg_stat_activity WHERE query LIKE '%begun%' AND query NOT LIKE '%pg_stat%'`,
        );
        expect(rows).toHaveLength(1);
        return rows[0]!;
      });

    it.each([
      ['between two statements', 'idle in transaction', `SELECT 'begun'`],
      ['during a statement', 'active', `SELECT 'begun', pg_sleep(4)`],
    ])(
      '%s, it is refused with 503 and leaves nothing, and the next one succeeds',
      async (_when, state, statement) => {
        const broken = gate();
        const writing = database.write(async (manager) => {
          await insertUser(manager, 'ada');
          await manager.query(statement);
          await broken.opened;
          await insertUser(manager, 'grace');
        });
        // oxlint-disable-next-line jest/valid-expect -- awaited below, when the connection has been broken
        const outcome = expect(writing).rejects.toBeInstanceOf(DependencyDownError);
        const connection = await begun();
        expect(connection['state']).toBe(state);
        await query('SELECT pg_terminate_backend($1, 2000)', [connection['pid']]);
        broken.open();
        await outcome;
        await database.write((manager) => insertUser(manager, 'hedy'));
        expect(await users()).toEqual(['hedy']);
      },
    );
  });

  it('writes at the isolation level that its locks need, whatever the default of the connection is', async () => {
    const everyConnection = Array.from({ length: POOL_SIZE });
    // As on a connection that a pooler hands out: the settings that the server made are on another one.
    await Promise.all(everyConnection.map(() => query(`SET default_transaction_isolation = 'serializable'`)));
    const levels = await Promise.all(
      everyConnection.map(() =>
        database.write((manager) => manager.query<[object]>('SHOW transaction_isolation')),
      ),
    );
    expect(levels.flat()).toEqual(everyConnection.map(() => ({ transaction_isolation: 'read committed' })));
  });

  it('refuses with 503 who waits too long for a row that another write holds', async () => {
    await database.write((manager) => insertUser(manager, 'ada'));
    const disable = (manager: EntityManager) => manager.update(User, { email: 'ada' }, { disabled: true });
    const held = gate();
    const end = gate();
    const holder = database.write(async (manager) => {
      await disable(manager);
      held.open();
      await end.opened;
    });
    await held.opened;
    await expect(database.write(disable)).rejects.toBeInstanceOf(DependencyDownError);
    end.open();
    await holder;
    await database.write(disable);
  });
});
