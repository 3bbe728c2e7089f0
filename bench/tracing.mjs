// node bench/tracing.mjs [sqlite|postgres]: what a cached list costs without tracing, with all of it, and with a tenth.
import { createServer } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import autocannon from 'autocannon';
import { PostgresServer } from '../test/support/postgres-server.js';
import { startRedis } from '../test/support/services.mjs';
import { listRequests, seed } from './client.mjs';
import { median } from './load.mjs';
import { startServer, usage } from './processes.mjs';

const ROUNDS = 7;
const REQUESTS = 10_000;

/** Takes all spans, and does nothing with them. */
async function startCollector() {
  const server = createServer((request, response) => request.resume().on('end', () => response.end()));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() };
}

async function compare(kind) {
  const redis = await startRedis();
  const postgres = kind === 'postgres' ? await PostgresServer.create({ durable: false }) : null;
  const collector = await startCollector();
  const folder = await mkdtemp(join(tmpdir(), 'watchlist-bench-'));
  const on = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  const variants = {
    off: {},
    all: on,
    'a tenth': { ...on, OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.1' },
  };
  const servers = [];
  try {
    for (const [what, env] of Object.entries(variants)) {
      const DATABASE_URL = postgres?.url ?? `sqlite:///${join(folder, `${what}.db`)}`;
      const server = await startServer({ REDIS_URL: redis.url, DATABASE_URL, ...env });
      const requests = listRequests(await seed(server.url, { users: 20, items: 10, name: what.slice(-5) }));
      servers.push({ what, ...server, idle: usage(server.pid).rssMiB, requests, microseconds: [] });
    }
    const round = async ({ url, pid, requests }, amount) => {
      const before = usage(pid).cpuSeconds;
      const { errors, non2xx } = await autocannon({ url, requests, connections: 32, amount });
      if (errors + non2xx > 0) throw new Error(`${errors + non2xx} requests failed`);
      return ((usage(pid).cpuSeconds - before) / amount) * 1e6;
    };
    for (const server of servers) await round(server, REQUESTS);
    for (let n = 0; n < ROUNDS; n++)
      for (const server of servers) server.microseconds.push(await round(server, REQUESTS));
    const [without] = servers;
    for (const { what, bootMs, idle, pid, microseconds } of servers) {
      const ratio = median(microseconds.map((figure, n) => figure / without.microseconds[n]));
      console.log(
        `${kind}, ${what}: ${median(microseconds).toFixed(0)} µs of CPU a request, ${ratio.toFixed(2)} ×; ` +
          `boot ${bootMs.toFixed(0)} ms; RSS ${idle.toFixed(0)} MiB, after the load ${usage(pid).rssMiB.toFixed(0)} MiB`,
      );
    }
  } finally {
    for (const server of servers) await server.stop();
    collector.stop();
    await postgres?.remove();
    await redis.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

const [, , only] = process.argv;
for (const kind of only === undefined ? ['sqlite', 'postgres'] : [only]) await compare(kind);
process.exit(0);
