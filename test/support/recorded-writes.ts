import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { Client } from 'pg';
import sqlite3 from 'sqlite3';
import type { Changes } from '../../src/audit/audit-log.entity.js';
import { branch } from './seeded.js';
import { type Answer, call, type Call, type Member } from './server-client.js';

/**
 * `refused`: answered 503. `unknown`: not answered, because the server or the connection ended. Such a write may have
 * happened or not.
 */
export type Outcome = 'acknowledged' | 'refused' | 'unknown';

export interface RecordedWrite {
  readonly requestId: string;
  readonly action: string;
  readonly userId: number;
  /** Null for an item that was not acknowledged. */
  readonly itemId: number | null;
  /** As its audit row must have them. */
  readonly changes: Changes;
  readonly outcome: Outcome;
}

interface Item {
  readonly id: number;
  readonly title: string;
  readonly type: 'movie' | 'show';
}

/** Clients who add, change and delete items of several users, each as soon as its last request is answered. */
export class RecordedWrites {
  readonly history: RecordedWrite[] = [];
  /** Answers that are neither a success nor a 503 with `Retry-After`. There must be none. */
  readonly unexpected: string[] = [];
  /** Each client has items of its own, so that it knows how they stand. */
  private readonly clients: { readonly random: () => number; readonly items: Item[]; count: number }[];

  constructor(
    private readonly users: readonly Member[],
    clients: number,
    random: () => number,
  ) {
    this.clients = Array.from({ length: clients }, () => ({
      random: branch(random),
      items: [],
      count: 0,
    }));
  }

  count(outcome: Outcome): number {
    return this.history.filter((write) => write.outcome === outcome).length;
  }

  /** Until it is told to stop, or the server is gone: `over` resolves then. */
  start(url: string): { stop: () => Promise<void>; over: Promise<void> } {
    const state = { stopped: false };
    const over = Promise.all(this.clients.map((_client, n) => this.writeOnAndOn(url, n, state))).then(
      () => undefined,
    );
    return {
      over,
      stop: () => {
        state.stopped = true;
        return over;
      },
    };
  }

  private async writeOnAndOn(url: string, n: number, state: { readonly stopped: boolean }): Promise<void> {
    while (!state.stopped) {
      const { isGone, outcome } = await this.write(url, n);
      if (isGone) return;
      // Who is refused does not hurry.
      if (outcome !== 'acknowledged') await sleep(20);
    }
  }

  /** One write by client `n`. */
  private async write(url: string, n: number): Promise<{ isGone: boolean; outcome: Outcome }> {
    const client = this.clients[n]!;
    const user = this.users[n % this.users.length]!;
    const requestId = `client-${n}-write-${client.count++}`;
    const choice = client.random();
    const [item] =
      choice < 0.6 || client.items.length === 0
        ? []
        : // Whatever becomes of it: only one that was acknowledged comes back.
          client.items.splice(Math.floor(client.random() * client.items.length), 1);
    const planned =
      item === undefined ? adding(requestId) : choice < 0.85 ? changing(item, requestId) : deleting(item);

    let answer: Answer | undefined;
    let isGone = false;
    try {
      answer = await call(url, { ...planned.call, token: user.token, requestId });
    } catch (error) {
      isGone = (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
    }
    const outcome = this.outcomeOf(answer, requestId);
    const id: number | null = item?.id ?? answer?.body?.item?.id ?? null;
    this.history.push({
      requestId,
      action: planned.action,
      userId: user.id,
      itemId: id,
      changes: planned.changes,
      outcome,
    });
    if (outcome === 'acknowledged' && planned.after !== null)
      client.items.push({ ...planned.after, id: id! });
    return { isGone, outcome };
  }

  private outcomeOf(answer: Answer | undefined, requestId: string): Outcome {
    if (answer === undefined) return 'unknown';
    const { status, headers, body } = answer;
    if (status >= 200 && status < 300) return 'acknowledged';
    if (status !== 503 || !/^[1-9]\d*$/.test(headers['retry-after'] ?? ''))
      this.unexpected.push(`${requestId}: ${status} ${JSON.stringify(body)}`);
    return 'refused';
  }
}

interface Planned {
  readonly action: string;
  readonly call: Call;
  readonly changes: Changes;
  /** The item when it is done; null when it is gone. */
  readonly after: Omit<Item, 'id'> | null;
}

function adding(title: string): Planned {
  const fields = { title, type: 'movie' } as const;
  return {
    action: 'watchlist_item.created',
    call: { method: 'POST', path: '/v1/watchlists/items', body: fields },
    changes: { title: { from: null, to: title }, type: { from: null, to: 'movie' } },
    after: fields,
  };
}

function changing(item: Item, title: string): Planned {
  const type = item.type === 'movie' ? 'show' : 'movie';
  return {
    action: 'watchlist_item.updated',
    call: { method: 'PATCH', path: `/v1/watchlists/items/${item.id}`, body: { title, type } },
    changes: { title: { from: item.title, to: title }, type: { from: item.type, to: type } },
    after: { title, type },
  };
}

function deleting(item: Item): Planned {
  return {
    action: 'watchlist_item.deleted',
    call: { method: 'DELETE', path: `/v1/watchlists/items/${item.id}` },
    changes: { title: { from: item.title, to: null }, type: { from: item.type, to: null } },
    after: null,
  };
}

export interface Stored {
  readonly lists: readonly { readonly user_id: number; readonly version: number }[];
  readonly items: readonly {
    readonly id: number;
    readonly user_id: number;
    readonly title: string;
    readonly type: string;
  }[];
  readonly logs: readonly {
    readonly request_id: string;
    readonly action: string;
    readonly actor_id: number;
    readonly resource_id: number;
    readonly changes: Changes;
  }[];
}

/** What is committed of these users, read past the server. */
export async function readStored(databaseUrl: string, users: readonly Member[]): Promise<Stored> {
  const ids = users.map(({ id }) => id).join();
  const query = databaseUrl.startsWith('sqlite:')
    ? await openSqlite(databaseUrl.slice('sqlite:///'.length))
    : await openPostgres(databaseUrl);
  try {
    const logs = await query.all<Stored['logs'][number] & { changes: unknown }>(
      `SELECT request_id, action, actor_id, resource_id, changes FROM audit_logs
       WHERE resource_type = 'watchlist_item' AND actor_id IN (${ids}) ORDER BY id`,
    );
    return {
      lists: await query.all(`SELECT user_id, version FROM watchlists WHERE user_id IN (${ids})`),
      items: await query.all(
        `SELECT id, user_id, title, type FROM watchlist_items WHERE user_id IN (${ids}) AND deleted_at IS NULL`,
      ),
      logs: logs.map((log) => ({ ...log, changes: JSON.parse(String(log.changes)) as Changes })),
    };
  } finally {
    await query.close();
  }
}

interface Connection {
  all<Row>(sql: string): Promise<Row[]>;
  close(): Promise<void>;
}

async function openPostgres(connectionString: string): Promise<Connection> {
  const client = new Client({ connectionString });
  await client.connect();
  return {
    all: async <Row>(sql: string) => (await client.query(sql)).rows as Row[],
    close: () => client.end(),
  };
}

async function openSqlite(file: string): Promise<Connection> {
  const database = new sqlite3.Database(file, sqlite3.OPEN_READONLY);
  const all = <Row>(sql: string) =>
    new Promise<Row[]>((resolve, reject) =>
      database.all<Row>(sql, (error, rows) => (error ? reject(error) : resolve(rows))),
    );
  const close = () => new Promise<void>((resolve) => database.close(() => resolve()));
  const damage = await all<{ integrity_check: string }>('PRAGMA integrity_check');
  if (damage[0]?.integrity_check !== 'ok') {
    await close();
    throw new Error(`the file is damaged: ${JSON.stringify(damage)}`);
  }
  return { all, close };
}

export interface CheckOptions {
  /** Where a 503 says that nothing was done. PostgreSQL may have committed a write whose answer then got lost. */
  readonly refusedMeansUndone?: boolean;
}

/**
 * What is wrong with a database after these writes, in words; empty when every acknowledged one is there exactly once
 * and every other one wholly or not at all. The audit log must hold one row for each write that happened, and played
 * back from the beginning it must give exactly the items and list versions that are stored.
 */
export function discrepancies(
  history: readonly RecordedWrite[],
  stored: Stored,
  { refusedMeansUndone = false }: CheckOptions = {},
): string[] {
  const rows = new Map<string, Stored['logs'][number][]>();
  for (const row of stored.logs) rows.set(row.request_id, [...(rows.get(row.request_id) ?? []), row]);
  return [
    ...history.flatMap((write) => wrongRowsOf(write, rows.get(write.requestId) ?? [], refusedMeansUndone)),
    ...unasked(history, stored),
    ...replayed(stored),
  ];
}

function wrongRowsOf(write: RecordedWrite, rows: Stored['logs'], refusedMeansUndone: boolean): string[] {
  const { requestId, outcome, action, userId, itemId, changes } = write;
  if (rows.length === 0)
    return outcome === 'acknowledged' ? [`${requestId} was acknowledged and is lost`] : [];
  if (rows.length > 1) return [`${requestId} has ${rows.length} audit rows`];
  if (outcome === 'refused' && refusedMeansUndone) return [`${requestId} was refused and is there`];
  const [row] = rows as [Stored['logs'][number]];
  return row.action === action &&
    row.actor_id === userId &&
    (itemId === null || row.resource_id === itemId) &&
    isDeepStrictEqual(row.changes, changes)
    ? []
    : [`${requestId} has the audit row of something else: ${JSON.stringify(row)}`];
}

function unasked(history: readonly RecordedWrite[], { logs }: Stored): string[] {
  const asked = new Set(history.map(({ requestId }) => requestId));
  return logs
    .filter(({ request_id }) => !asked.has(request_id))
    .map((row) => `nobody asked for ${JSON.stringify(row)}`);
}

function replayed({ lists, items, logs }: Stored): string[] {
  const problems: string[] = [];
  const expected = new Map<number, Stored['items'][number]>();
  const versions = new Map<number, number>();
  for (const { request_id, action, actor_id, resource_id: id, changes } of logs) {
    versions.set(actor_id, (versions.get(actor_id) ?? 0) + 1);
    const before = expected.get(id);
    const { title, type } = changes as Record<'title' | 'type', { from: string | null; to: string | null }>;
    if (title.from !== (before?.title ?? null) || type.from !== (before?.type ?? null))
      problems.push(`${request_id} (${action}) does not follow from what was audited before it`);
    if (title.to === null) expected.delete(id);
    else expected.set(id, { id, user_id: actor_id, title: title.to, type: type.to! });
  }
  for (const item of items) {
    if (!isDeepStrictEqual({ ...item }, expected.get(item.id)))
      problems.push(
        `item ${item.id} is ${JSON.stringify(item)}, audited is ${JSON.stringify(expected.get(item.id))}`,
      );
    expected.delete(item.id);
  }
  for (const id of expected.keys()) problems.push(`item ${id} is audited and not there`);
  for (const { user_id, version } of lists) {
    const audited = versions.get(user_id) ?? 0;
    if (version !== audited)
      problems.push(`the list of user ${user_id} has version ${version} after ${audited} audited writes`);
    versions.delete(user_id);
  }
  for (const [id, audited] of versions)
    problems.push(`user ${id} has no list after ${audited} audited writes`);
  return problems;
}
