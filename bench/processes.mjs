import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { SMTPServer } from 'smtp-server';
import { freePort } from '../test/support/services.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const JWT_SECRET = 'YmVuY2htYXJrLXNlY3JldC1vZi0zMi1ieXRlcy1vci1tb3Jl';

/** Every policy is on, and none is reached. */
const ROOMY = Object.fromEntries(
  [
    ...['LOGIN', 'REGISTER', 'LIST', 'WRITE', 'DEFAULT', 'ADDRESS'].map((policy) => `RATE_LIMIT_${policy}`),
    'LOGIN_LOCKOUT',
  ].map((name) => [name, '100000/1']),
);

/** The built server, in an empty folder. */
export function startServer(env) {
  // The flag is that of `npm start`. For a profile: BENCH_NODE_ARGS='--cpu-prof --cpu-prof-dir=/somewhere'.
  const nodeArguments = ['--heap-growing-percent=60', ...(process.env.BENCH_NODE_ARGS?.split(' ') ?? [])];
  return start('server', [...nodeArguments, join(ROOT, 'dist/main.js')], {
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    JWT_SECRET,
    BCRYPT_COST: '10',
    ...ROOMY,
    ...env,
  });
}

export function startCeiling(env) {
  return start('ceiling', [join(ROOT, 'bench/ceiling.mjs')], { JWT_SECRET, ...env });
}

/** Takes all mail, in this process. */
export async function startMailServer() {
  const mails = [];
  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData: async (stream, _session, done) => {
      mails.push(await text(stream));
      done();
    },
  });
  await new Promise((resolve) => smtp.listen(0, '127.0.0.1', resolve));
  return {
    env: {
      SMTP_URL: `smtp://127.0.0.1:${smtp.server.address().port}`,
      PUBLIC_URL: 'http://localhost:8000',
      MAIL_FROM: 'bench@example.com',
    },
    received: async (count) => {
      for (const deadline = Date.now() + 60_000; mails.length < count;) {
        if (Date.now() > deadline) throw new Error(`${mails.length} of ${count} mails came`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    /** Of the links in the mails. */
    tokens: () =>
      mails.map((mail) => /#token=3?D?([\w-]{22}\.[\w-]{43})/.exec(mail.replaceAll('=\r\n', ''))[1]),
    stop: () => new Promise((resolve) => smtp.close(resolve)),
  };
}

async function start(name, args, env) {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), `watchlist-bench-${name}-`));
  const began = performance.now();
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { PATH: process.env.PATH, PORT: String(port), ...env },
    stdio: ['ignore', process.env.BENCH_LOGS ? 'inherit' : 'ignore', 'inherit'],
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const url = `http://127.0.0.1:${port}`;
  while (!(await answers(url))) {
    if (child.exitCode !== null) throw new Error(`${name} exited with code ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return {
    url,
    pid: child.pid,
    /** Milliseconds from starting the process to its first answer. */
    bootMs: performance.now() - began,
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function answers(url) {
  try {
    await fetch(`${url}/health`);
    return true;
  } catch {
    return false;
  }
}

const TICKS_PER_SECOND = 100;

/** CPU seconds used so far and resident MiB, from the kernel's own accounting (Linux). */
export function usage(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    rssMiB: Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024,
  };
}
