import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import supertest from 'supertest';
import { createApp } from '../../src/create-app.js';
import { createLogger } from '../../src/common/observability/logging/logger.js';
import { parseEnv } from '../../src/config/env.js';
import { UnitOfWork } from '../../src/database/unit-of-work.js';
import { watchResponses } from './conforms-to-document.js';
import { createStorage, type Storage } from './stack.js';

export const TEST_SECRET = 'bXlzZWNyZXQtZm9yLXRlc3RzLW9ubHktMTIzNDU2Nzg5MA';

/** Cheap and roomy: tests of hashing costs and limits say otherwise. */
const TEST_ENV = {
  NODE_ENV: 'test',
  LOG_LEVEL: 'info',
  JWT_SECRET: TEST_SECRET,
  RATE_LIMIT_LOGIN: '100000/60',
  RATE_LIMIT_REGISTER: '100000/60',
  RATE_LIMIT_LIST: '100000/60',
  RATE_LIMIT_WRITE: '100000/60',
  RATE_LIMIT_DEFAULT: '100000/60',
  RATE_LIMIT_ADDRESS: '100000/60',
  LOGIN_LOCKOUT: '0',
  MAX_CONNECTIONS_PER_ADDRESS: '0',
  GITHUB_API_URL: 'http://127.0.0.1:9',
  // A machine that pauses is not what most tests are about.
  REDIS_COMMAND_TIMEOUT_MS: '5000',
  MAX_EVENT_LOOP_DELAY_MS: '0',
};

/** Less than any server accepts: hashing was two fifths of what these tests took. Tests of hashing set BCRYPT_COST. */
const CHEAP_COST = 4;

export interface TestApp {
  readonly app: NestFastifyApplication;
  /** `http://127.0.0.1:<port>`: the server listens. */
  readonly url: string;
  readonly unitOfWork: UnitOfWork;
  /** The log's lines, parsed. */
  readonly logs: Record<string, unknown>[];
  request(): ReturnType<typeof supertest>;
  close(): Promise<void>;
}

export interface TestAppOptions {
  /** What the test is about; the rest is as {@link TEST_ENV} has it. */
  readonly env?: Record<string, string>;
  /** To start a second server on what a first one uses; whoever created it removes it. */
  readonly storage?: Storage;
}

/** The real server in this process, on storage of its own, its every answer held against the OpenAPI document. */
export async function createTestApp({ env = {}, storage }: TestAppOptions = {}): Promise<TestApp> {
  const own = storage ?? (await createStorage());
  const logs: Record<string, unknown>[] = [];
  const parsedEnv = parseEnv({ ...TEST_ENV, ...own.env, ...env });
  const logger = createLogger(parsedEnv, {
    write: (line) => logs.push(JSON.parse(line) as Record<string, unknown>),
  });
  const app = await createApp(
    'BCRYPT_COST' in env ? parsedEnv : { ...parsedEnv, BCRYPT_COST: CHEAP_COST },
    logger,
  );
  watchResponses(app.getHttpAdapter().getInstance() as unknown as FastifyInstance);
  const close = async () => {
    await app.close();
    if (!storage) await own.remove();
  };
  try {
    await app.listen(0, '127.0.0.1');
  } catch (error) {
    // The process would end here: its locks and connections with it.
    await close();
    throw error;
  }
  const url = await app.getUrl();
  return {
    app,
    url,
    logs,
    unitOfWork: app.get(UnitOfWork),
    request: () => supertest(url),
    close,
  };
}
