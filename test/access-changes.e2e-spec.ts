import { UsersRepository } from '../src/users/users.repository.js';
import { type Actor, actingOn, asAdmin, asUser, PASSWORD, signIn } from './support/actors.js';
import { createTestApp, type TestApp } from './support/create-test-app.js';
import { createStorage, stack, type Storage } from './support/stack.js';

/** On SQLite one server has the file to itself; on PostgreSQL two share the database and Redis. */
describe('a change of role or standing counts from the next request', () => {
  let storage: Storage;
  let servers: TestApp[];
  let admin: Actor;
  let ada: Actor;

  beforeAll(async () => {
    storage = await createStorage();
    const count = stack() === 'postgres+redis' ? 2 : 1;
    servers = await Promise.all(Array.from({ length: count }, () => createTestApp({ storage })));
    admin = await asAdmin(servers[0]!);
  });
  beforeEach(async () => {
    ada = await asUser(servers[0]!);
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.close()));
    await storage.remove();
  });

  const change = (fields: object) => admin.patch(`/v1/admin/users/${ada.id}`, fields).expect(200);

  /** One status per server, in the order in which they were started. */
  const everywhere = async (act: (ada: Actor, server: TestApp) => PromiseLike<{ status: number }>) => {
    const answers = await Promise.all(servers.map((server) => act(actingOn(server, ada), server)));
    return answers.map(({ status }) => status);
  };
  const each = (status: number) => servers.map(() => status);
  const asksForStats = ({ get }: Actor) => get('/v1/admin/stats');
  const asksForMe = ({ get }: Actor) => get('/v1/auth/me');
  const asksForList = ({ get }: Actor) => get('/v1/watchlists');

  it('of a user who becomes an admin', async () => {
    expect(await everywhere(asksForStats)).toEqual(each(403));
    await change({ role: 'admin' });
    expect(await everywhere(asksForStats)).toEqual(each(200));
    const me = await actingOn(servers.at(-1)!, ada).get('/v1/auth/me');
    expect(me.body).toMatchObject({ role: 'admin' });
  });

  it('of an admin who becomes a user', async () => {
    await change({ role: 'admin' });
    expect(await everywhere(asksForStats)).toEqual(each(200));
    await change({ role: 'user' });
    expect(await everywhere(asksForStats)).toEqual(each(403));
    expect(await everywhere(asksForMe)).toEqual(each(200));
  });

  it('of a user who is disabled: neither their token nor their password lets them in', async () => {
    expect(await everywhere(asksForMe)).toEqual(each(200));
    await change({ disabled: true });
    expect(await everywhere(asksForMe)).toEqual(each(401));
    const signsIn = ({ email }: Actor, server: TestApp) =>
      server.request().post('/v1/auth/login').send({ email, password: PASSWORD });
    expect(await everywhere(signsIn)).toEqual(each(401));
  });

  it('of a disabled user who is enabled again: the password is as good as before, the token is not', async () => {
    await change({ disabled: true });
    expect(await everywhere(asksForMe)).toEqual(each(401));
    await change({ disabled: false });
    expect(await everywhere(asksForMe)).toEqual(each(401));
    for (const server of servers) await signIn(server, ada.email);
  });

  it('of a disabled user whose list is in the cache', async () => {
    const { headers } = await ada.get('/v1/watchlists').expect(200);
    await everywhere(asksForList);
    await change({ disabled: true });
    expect(await everywhere(asksForList)).toEqual(each(401));
    const revalidates = ({ get }: Actor) => get('/v1/watchlists').set('if-none-match', headers['etag']!);
    expect(await everywhere(revalidates)).toEqual(each(401));
  });

  it('of a user who is removed', async () => {
    expect(await everywhere(asksForMe)).toEqual(each(200));
    await servers[0]!.app.get(UsersRepository, { strict: false }).delete(ada.id);
    expect(await everywhere(asksForMe)).toEqual(each(401));
    expect(await everywhere(asksForList)).toEqual(each(401));
  });

  it('of an admin who is disabled by another', async () => {
    await change({ role: 'admin' });
    await change({ disabled: true });
    expect(await everywhere(asksForStats)).toEqual(each(401));
  });

  it('every time', async () => {
    for (let round = 0; round < 20; round++) {
      await change({ role: 'admin' });
      expect(await everywhere(asksForStats)).toEqual(each(200));
      await change({ role: 'user' });
      expect(await everywhere(asksForStats)).toEqual(each(403));
    }
  });

  it('while the user keeps asking: nothing that begins after the change is answered as before it', async () => {
    let changed = false;
    const late: number[] = [];
    const keepsAsking = servers.map(async (server) => {
      const { get } = actingOn(server, ada);
      for (let after = 0; after < 10;) {
        const beganAfterwards = changed;
        const { status } = await get('/v1/auth/me');
        if (!beganAfterwards) continue;
        after++;
        late.push(status);
      }
    });
    await change({ disabled: true });
    changed = true;
    await Promise.all(keepsAsking);
    expect(late).toEqual(Array(10 * servers.length).fill(401));
  });
});
