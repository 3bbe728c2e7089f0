// npm run bench [-- --check] [-- --quick] [-- --soak] [-- --only=sqlite|postgres]
import { readFileSync } from 'node:fs';
import { rm, mkdtemp } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { PostgresServer } from '../test/support/postgres-server.js';
import { startRedis } from '../test/support/services.mjs';
import { addRequests, bearer, listRequests, loginRequests, PASSWORD, post, seed } from './client.mjs';
import { drive, inTurn, median, percentile, timeEach } from './load.mjs';
import { startCeiling, startMailServer, startServer, usage } from './processes.mjs';
import { fillList, fillUsers } from './scale.mjs';

const flag = (name) => process.argv.includes(`--${name}`);
const only = process.argv.find((argument) => argument.startsWith('--only='))?.slice(7);
const SECONDS = flag('quick') ? 2 : 5;
const ROUNDS = flag('quick') ? 1 : 3;

/** What quality asks, as [what, figure, least or most, bound]. */
const checks = [];
const expectAtLeast = (what, figure, bound) =>
  checks.push({ what, figure, bound, holds: figure >= bound, sign: '≥' });
const expectAtMost = (what, figure, bound) =>
  checks.push({ what, figure, bound, holds: figure <= bound, sign: '≤' });

const HIT_SCRIPT = /const HIT = `([\s\S]*?)`/.exec(
  readFileSync(new URL('../src/common/rate-limit/sliding-log.storage.ts', import.meta.url), 'utf8'),
)[1];

function print(what, { requestsPerSecond, p50, p99, cpuPercent, rssMiB, failed }, ratio) {
  const cells = [
    what.padEnd(34),
    `${requestsPerSecond.toFixed(0)}/s`.padStart(9),
    `p50 ${p50} ms`.padStart(11),
    `p99 ${p99} ms`.padStart(12),
    `CPU ${cpuPercent.toFixed(0)} %`.padStart(10),
    `RSS ${rssMiB.toFixed(0)} MiB`.padStart(12),
    failed ? `${failed} FAILED` : '',
    ratio === undefined ? '' : `= ${ratio.toFixed(2)} × ceiling`,
  ];
  console.log(`| ${cells.filter(Boolean).join(' | ')} |`);
}

async function benchDatabase(kind) {
  console.log(`\n## ${kind} + Redis\n`);
  const redis = await startRedis();
  const postgres = kind === 'postgres' ? await PostgresServer.create() : null;
  const folder = await mkdtemp(join(tmpdir(), 'watchlist-bench-'));
  const databaseUrl = postgres?.url ?? `sqlite:///${join(folder, 'watchlist.db')}`;
  const env = { REDIS_URL: redis.url, DATABASE_URL: databaseUrl };
  try {
    await benchCached(kind, env);
    await benchUncached(kind, env, postgres !== null);
    await benchLogin(kind, env);
    await benchForgotten(kind, env);
    if (kind === 'postgres') await benchTwoProcesses(env);
    await benchRedisTrouble(kind, env, redis);
  } finally {
    await redis.stop();
    await postgres?.remove();
    await rm(folder, { recursive: true, force: true });
  }
}

async function benchCached(kind, env) {
  // The first boot migrates; what is asked for is an ordinary one.
  await (await startServer(env)).stop();
  const server = await startServer(env);
  // What V8 gives back after boot, it gives back at leisure.
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const idle = usage(server.pid).rssMiB;
  console.log(`boot to first answer ${server.bootMs.toFixed(0)} ms; idle RSS ${idle.toFixed(0)} MiB\n`);
  expectAtMost(`${kind}: boot, ms`, server.bootMs, 2000);
  expectAtMost(`${kind}: idle RSS, MiB`, idle, 150);

  const ids = await seed(server.url, { users: 100, items: 10 });
  const body = await (await fetch(`${server.url}/v1/watchlists`, { headers: bearer(ids[0]) })).text();
  const ceiling = await startCeiling({ REDIS_URL: env.REDIS_URL, HIT_SCRIPT, CEILING_BODY: body });
  try {
    const cached = { requests: listRequests(ids), connections: 32, seconds: SECONDS };
    await drive(server, { ...cached, seconds: 2 });
    const list = await inTurn(server, ceiling, cached, ROUNDS);
    print('ceiling: list', list.ceiling);
    print('cached list, 100 users, 32 conn.', list.subject, list.ratio);
    expectAtLeast(`${kind}: cached list, × ceiling`, list.ratio, kind === 'sqlite' ? 0.4 : 0.2);
    expectAtMost(`${kind}: cached list, p99 / p50`, list.subject.p99 / Math.max(list.subject.p50, 1), 4);
    expectAtMost(`${kind}: cached list, failed`, list.subject.failed, 0);

    const add = await inTurn(
      server,
      ceiling,
      { requests: addRequests(ids.slice(0, 64)), connections: 64, seconds: SECONDS },
      ROUNDS,
    );
    print('ceiling: add', add.ceiling);
    print('add, 64 users, 64 conn.', add.subject, add.ratio);
    expectAtLeast(`${kind}: add, /s`, add.subject.requestsPerSecond, kind === 'sqlite' ? 700 : 1000);
    expectAtMost(`${kind}: add, failed`, add.subject.failed, 0);
    print(
      'add, one user, 64 conn.',
      await drive(server, { requests: addRequests(ids.slice(99)), connections: 64, seconds: SECONDS }),
    );

    if (flag('soak')) await soak(kind, server, ids);
    expectAtMost(`${kind}: RSS after the load, MiB`, usage(server.pid).rssMiB, 250);
  } finally {
    await ceiling.stop();
    await server.stop();
  }
}

/** Five minutes of reads with a few writes: the memory of the last minute against that of the second. */
async function soak(kind, server, ids) {
  const minutes = [];
  for (let minute = 0; minute < 5; minute++) {
    await drive(server, {
      requests: [...listRequests(ids), ...addRequests(ids.slice(0, 5))],
      connections: 32,
      seconds: 60,
    });
    minutes.push(usage(server.pid).rssMiB);
  }
  console.log(`soak: RSS at the end of each minute ${minutes.map((rss) => rss.toFixed(0)).join(', ')} MiB`);
  expectAtMost(`${kind}: soak, RSS growth from minute 2 to 5, MiB`, minutes[4] - minutes[1], 10);
}

async function benchUncached(kind, env, isPostgres) {
  const server = await startServer({ ...env, CACHE_TTL_SECONDS: '0' });
  try {
    const ids = await seed(server.url, { users: 100, items: 10, name: 'uncached' });
    const rounds = [];
    for (let round = 0; round < ROUNDS; round++) {
      rounds.push(await drive(server, { requests: listRequests(ids), connections: 32, seconds: SECONDS }));
    }
    const middle = rounds.sort((a, b) => a.requestsPerSecond - b.requestsPerSecond)[Math.floor(ROUNDS / 2)];
    print('uncached list, 100 users, 32 conn.', middle);
    expectAtLeast(`${kind}: uncached list, /s`, middle.requestsPerSecond, 2000);

    const page = async (id) =>
      median(await timeEach(200, () => fetch(`${server.url}/v1/watchlists`, { headers: bearer(id) })));
    const [small, large] = await seed(server.url, { users: 2, items: 0, name: 'scaling' });
    await fillList(env.DATABASE_URL, isPostgres, small, 100);
    await fillList(env.DATABASE_URL, isPostgres, large, 100_000);
    await fillUsers(env.DATABASE_URL, isPostgres, 10_000);
    const [ofSmall, ofLarge] = [await page(small), await page(large)];
    console.log(
      `uncached page 1 of 100 items ${ofSmall.toFixed(2)} ms, of 100,000 items ${ofLarge.toFixed(2)} ms (10,000 users)`,
    );
    expectAtMost(`${kind}: page 1 of 100,000 over page 1 of 100, ms`, ofLarge - ofSmall, 5);
  } finally {
    await server.stop();
  }
}

async function benchLogin(kind, env) {
  const server = await startServer({ ...env, BCRYPT_COST: '12' });
  try {
    const [id] = await seed(server.url, { users: 1, items: 10, name: 'reader' });
    const login = (email, password) => post(server.url, '/v1/auth/login', { email, password });
    const [unknown, wrong] = [[], []];
    const tries = flag('quick') ? 20 : 200;
    for (let i = 0; i < tries; i++) {
      unknown.push(...(await timeEach(1, () => login(`nobody${i}@example.com`, PASSWORD))));
      wrong.push(...(await timeEach(1, () => login('reader0@example.com', 'not the password'))));
    }
    const mean = (samples) => samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
    const difference = Math.abs(mean(unknown) / mean(wrong) - 1) * 100;
    console.log(
      `login at cost 12: unknown e-mail ${mean(unknown).toFixed(1)} ms, wrong password ${mean(wrong).toFixed(1)} ms`,
    );
    expectAtMost(`${kind}: login, unknown against wrong, %`, difference, 10);

    let storming = true;
    const statuses = {};
    const storm = Array.from({ length: 40 }, async (_, i) => {
      while (storming) {
        const { status } = await login(`user${i}@example.com`, PASSWORD);
        statuses[status] = (statuses[status] ?? 0) + 1;
        // A client that is shed comes back when it was told to; without a pause this would measure the client.
        if (status === 503) await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    });
    let failed = 0;
    const reads = await timeEach(flag('quick') ? 100 : 400, async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      const answer = await fetch(`${server.url}/v1/watchlists`, { headers: bearer(id) });
      if (answer.status !== 200) failed++;
      return answer;
    });
    storming = false;
    await Promise.all(storm);
    console.log(
      `40 logins at a time at cost 12: reads p95 ${percentile(reads, 0.95).toFixed(1)} ms; logins ${JSON.stringify(statuses)}`,
    );
    expectAtMost(`${kind}: reads in a login storm, p95 ms`, percentile(reads, 0.95), 100);
    expectAtMost(`${kind}: reads in a login storm, failed`, failed, 0);
    expectAtMost(`${kind}: logins in a storm, 500s`, statuses[500] ?? 0, 0);
    print(
      'login, cost 12, 8 conn.',
      await drive(server, { requests: loginRequests(60), connections: 8, seconds: SECONDS }),
    );
  } finally {
    await server.stop();
  }
}

/**
 * What an account could be told by: how long the answer takes. Whatever is done later for an address that somebody has
 * counts too, if whoever asks next feels it: the tries follow one another without a pause, as an attacker's would, and
 * which kind comes next is by chance, so that neither always comes behind the other.
 */
async function benchForgotten(kind, env) {
  const mailServer = await startMailServer();
  const server = await startServer({ ...env, ...mailServer.env });
  try {
    const known = flag('quick') ? 10 : 50;
    await seed(server.url, { users: known, items: 0, name: 'forgetful' });
    const forgot = (email) => post(server.url, '/v1/auth/password/forgot', { email });
    const reset = (token) => post(server.url, '/v1/auth/password/reset', { token, new_password: PASSWORD });
    const compare = async (what, tries, ofKnown, ofUnknown, status) => {
      const samples = { known: [], unknown: [] };
      const order = Array.from({ length: tries }, () => [
        ['known', ofKnown],
        ['unknown', ofUnknown],
      ]).flat();
      for (let i = order.length - 1; i > 0; i--) {
        const j = Math.floor(Math.random() * (i + 1));
        [order[i], order[j]] = [order[j], order[i]];
      }
      const asked = { known: 0, unknown: 0 };
      for (const [which, ask] of order) {
        const act = async () => {
          const answer = await ask(asked[which]++ % known);
          if (answer.status !== status) throw new Error(`${what}: ${answer.status} ${await answer.text()}`);
          return answer;
        };
        samples[which].push(...(await timeEach(1, act)));
      }
      const [ofThese, ofThose] = [median(samples.known), median(samples.unknown)];
      console.log(`${what}: known ${ofThese.toFixed(2)} ms, unknown ${ofThose.toFixed(2)} ms (medians)`);
      expectAtMost(`${kind}: ${what}, known against unknown, %`, Math.abs(ofThese / ofThose - 1) * 100, 10);
    };
    await compare(
      'forgot',
      flag('quick') ? 100 : 1000,
      (i) => forgot(`forgetful${i}@example.com`),
      (i) => forgot(`nobody${i}@example.com`),
      202,
    );
    await mailServer.received(known);
    const tokens = mailServer.tokens();
    const forged = (i) => `${tokens[i % tokens.length].slice(0, 22)}.${'A'.repeat(43)}`;
    const madeUp = (i) => `${String(i).padStart(22, 'A')}.${'A'.repeat(43)}`;
    await compare(
      'reset',
      flag('quick') ? 20 : 100,
      (i) => reset(forged(i)),
      (i) => reset(madeUp(i)),
      401,
    );
  } finally {
    await server.stop();
    await mailServer.stop();
  }
}

async function benchTwoProcesses(env) {
  const servers = [await startServer(env), await startServer(env)];
  try {
    const ids = await seed(servers[0].url, { users: 100, items: 10, name: 'two' });
    const figures = await Promise.all(
      servers.map((server) =>
        drive(server, { requests: listRequests(ids), connections: 16, seconds: SECONDS }),
      ),
    );
    figures.forEach((each, i) => print(`cached list, process ${i + 1} of 2, 16 conn.`, each));
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

async function benchRedisTrouble(kind, env, redis) {
  const server = await startServer(env);
  try {
    const [id] = await seed(server.url, { users: 1, items: 10, name: 'trouble' });
    let failed = 0;
    const reads = () =>
      timeEach(300, async () => {
        await new Promise((resolve) => setTimeout(resolve, 10));
        const answer = await fetch(`${server.url}/v1/watchlists`, { headers: bearer(id) });
        if (answer.status !== 200) failed++;
        return answer;
      });
    redis.signal('SIGSTOP');
    const hung = percentile(await reads(), 0.99);
    redis.signal('SIGCONT');
    await new Promise((resolve) => setTimeout(resolve, 2000));
    redis.signal('SIGKILL');
    const dead = percentile(await reads(), 0.99);
    console.log(
      `Redis hung: reads p99 ${hung.toFixed(1)} ms; Redis dead: ${dead.toFixed(1)} ms (the pause of 10 ms included)`,
    );
    expectAtMost(`${kind}: reads with Redis hung, p99 ms`, hung, 600);
    expectAtMost(`${kind}: reads with Redis dead, p99 ms`, dead, 300);
    expectAtMost(`${kind}: reads in Redis trouble, failed`, failed, 0);
  } finally {
    await server.stop();
  }
}

console.log(
  `Node ${process.version}, ${cpus().length} × ${cpus()[0].model}; ${SECONDS} s × ${ROUNDS} rounds`,
);
for (const kind of ['sqlite', 'postgres']) {
  if (only === undefined || only === kind) await benchDatabase(kind);
}

console.log('\n## Against what is asked\n');
for (const { what, figure, bound, holds, sign } of checks) {
  console.log(`${holds ? 'ok  ' : 'MISS'} ${what}: ${figure.toFixed(3)} (${sign} ${bound})`);
}
if (flag('check') && checks.some(({ holds }) => !holds)) process.exitCode = 1;
