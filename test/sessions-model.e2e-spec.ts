import fc from 'fast-check';
import { Session } from '../src/auth/sessions/session.entity.js';
import { type Actor, actingOn, asAdmin, asUser, PASSWORD } from './support/actors.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { createStorage, stack, type Storage } from './support/stack.js';

/** What is known of a session by who only watches: the model. */
interface Known {
  readonly id: string;
  readonly user: number;
  /** By generation: those that were handed out. */
  readonly refreshTokens: string[];
  readonly accessTokens: string[];
  /** Whether the last exchange is so long ago that its token must not come again. */
  isSettled: boolean;
  isAlive: boolean;
}

const pick = fc.nat({ max: 1_000_000 });
const instance = fc.nat({ max: 1 });
const STEPS = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ what: fc.constant('login' as const), user: pick, instance }) },
    {
      weight: 8,
      arbitrary: fc.record({
        what: fc.constant('refresh' as const),
        session: pick,
        // Mostly the newest; else one that has been exchanged.
        back: fc.oneof(
          { weight: 3, arbitrary: fc.constant(0) },
          { weight: 2, arbitrary: fc.nat({ max: 3 }) },
        ),
        instance,
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ what: fc.constant('access' as const), session: pick, token: pick, instance }),
    },
    { weight: 2, arbitrary: fc.record({ what: fc.constant('wait' as const), session: pick, instance }) },
    {
      weight: 1,
      arbitrary: fc.record({
        what: fc.constant('logout' as const),
        session: pick,
        back: fc.nat({ max: 2 }),
        instance,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ what: fc.constant('end' as const), session: pick, by: pick, instance }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ what: fc.constant('end others' as const), session: pick, instance }),
    },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('disable' as const), user: pick, instance }) },
  ),
  { minLength: 15, maxLength: 40 },
);
type Step = typeof STEPS extends fc.Arbitrary<(infer T)[]> ? T : never;

describe('sessions, whatever is done with them in whatever order, on any instance', () => {
  let storage: Storage;
  let servers: TestApp[];
  let admin: Actor;
  let users: Actor[];
  beforeAll(async () => {
    storage = await createStorage();
    servers = [await createTestApp({ storage })];
    if (stack() === 'postgres+redis') servers.push(await createTestApp({ storage }));
    admin = await asAdmin(servers[0]!);
    users = [await asUser(servers[0]!), await asUser(servers[0]!)];
  });
  afterAll(async () => {
    for (const server of servers) await server.close();
    await storage.remove();
  });

  /** Does one step and says what is answered; changes the model as that must have changed the server. */
  async function take(step: Step, known: Known[]): Promise<{ is: unknown; shouldBe: unknown }> {
    const server = servers[step.instance % servers.length]!;
    const post = (path: string, body: object) => server.request().post(path).send(body);
    const as = (token: string) => actingOn(server, { id: 0, email: '', token });
    const NOTHING = { is: 0, shouldBe: 0 };

    if (step.what === 'login') {
      const user = step.user % users.length;
      const { status, body } = await post('/v1/auth/login', {
        email: users[user]!.email,
        password: PASSWORD,
      });
      known.push({
        id: body.refresh_token.split('.')[0],
        user,
        refreshTokens: [body.refresh_token],
        accessTokens: [body.access_token],
        isSettled: false,
        isAlive: true,
      });
      return { is: status, shouldBe: 200 };
    }
    if (step.what === 'disable') {
      const user = step.user % users.length;
      const path = `/v1/admin/users/${users[user]!.id}`;
      const { status } = await actingOn(server, admin).patch(path, { disabled: true });
      await actingOn(server, admin).patch(path, { disabled: false });
      for (const session of known) if (session.user === user) session.isAlive = false;
      return { is: status, shouldBe: 200 };
    }
    if (known.length === 0) return NOTHING;
    const session = known[step.session % known.length]!;
    const newest = session.refreshTokens.length - 1;

    switch (step.what) {
      case 'refresh': {
        const generation = Math.max(0, newest - step.back);
        const { status, body } = await post('/v1/auth/refresh', {
          refresh_token: session.refreshTokens[generation],
        });
        const isAgain = generation === newest - 1 && !session.isSettled;
        if (!session.isAlive || (generation !== newest && !isAgain)) {
          session.isAlive = false;
          return { is: status, shouldBe: 401 };
        }
        session.accessTokens.push(body.access_token);
        if (isAgain) {
          return {
            is: [status, body.refresh_token],
            shouldBe: [200, session.refreshTokens[newest]],
          };
        }
        const isNew = !session.refreshTokens.includes(body.refresh_token);
        session.refreshTokens.push(body.refresh_token);
        session.isSettled = false;
        return { is: [status, isNew], shouldBe: [200, true] };
      }
      case 'access': {
        const token = session.accessTokens[step.token % session.accessTokens.length]!;
        const { status } = await as(token).get('/v1/auth/me');
        return { is: status, shouldBe: session.isAlive ? 200 : 401 };
      }
      case 'wait':
        session.isSettled = true;
        await server.unitOfWork.write(async (manager) => {
          const row = await manager.findOneBy(Session, { id: session.id });
          if (row === null) return;
          const lastUsedAt = new Date(row.lastUsedAt.getTime() - 11_000);
          await manager.update(Session, { id: session.id }, { lastUsedAt });
        });
        return NOTHING;
      case 'logout': {
        const { status } = await post('/v1/auth/logout', {
          refresh_token: session.refreshTokens[Math.max(0, newest - step.back)],
        });
        session.isAlive = false;
        return { is: status, shouldBe: 204 };
      }
      case 'end': {
        const other = known[step.by % known.length]!;
        const { status } = await as(other.accessTokens[0]!).delete(`/v1/auth/sessions/${session.id}`);
        if (!other.isAlive) return { is: status, shouldBe: 401 };
        if (other.user !== session.user || !session.isAlive) return { is: status, shouldBe: 404 };
        session.isAlive = false;
        return { is: status, shouldBe: 204 };
      }
      case 'end others': {
        const { status } = await as(session.accessTokens[0]!).delete('/v1/auth/sessions');
        if (!session.isAlive) return { is: status, shouldBe: 401 };
        for (const other of known)
          if (other !== session && other.user === session.user) other.isAlive = false;
        return { is: status, shouldBe: 204 };
      }
    }
  }

  it(
    'are what a simple model says',
    () =>
      fc.assert(
        fc.asyncProperty(STEPS, async (steps) => {
          const known: Known[] = [];
          for (const step of steps) {
            const { is, shouldBe } = await take(step, known);
            expect(is).toEqual(shouldBe);
          }
          for (const { accessTokens, isAlive } of known) {
            for (const server of servers) {
              const token = accessTokens.at(-1)!;
              const { status } = await actingOn(server, { id: 0, email: '', token }).get('/v1/auth/me');
              expect(status).toBe(isAlive ? 200 : 401);
            }
          }
        }),
        { numRuns: 25 },
      ),
    120_000,
  );
});
