import { PASSWORD } from '../support/actors.js';
import { eventually } from '../support/eventually.js';
import { MailServer, tokenIn } from '../support/mail-server.js';
import { call, ROOMY, signUp } from '../support/server-client.js';
import { build, type ServerProcess, startServer } from '../support/server-process.js';
import { createSqlite, type Storage } from '../support/stack.js';

const NEW_PASSWORD = 'nine lives of a paper cat';

jest.setTimeout(120_000);
beforeAll(build, 120_000);

describe('Mail of the built server', () => {
  let storage: Storage;
  let server: ServerProcess;
  let mailServer: MailServer | undefined;
  beforeEach(async () => {
    storage = await createSqlite();
  });
  afterEach(async () => {
    await server.remove();
    await mailServer?.close();
    await storage.remove();
  });
  const start = async (env: Record<string, string>) => {
    server = await startServer({ env: { ...ROOMY, ...storage.env, ...env } });
  };
  const forgot = (email: string) => call(server.url, { path: '/v1/auth/password/forgot', body: { email } });

  it('arrives although the server was killed behind its answer', async () => {
    const { port, env } = await MailServer.place();
    await start(env);
    const ada = await signUp(server.url);
    expect(await forgot(ada.email)).toMatchObject({ status: 202 });
    server.signal('SIGKILL');
    await server.exited;

    mailServer = await MailServer.start({ port });
    await start(env);
    const [mail] = await eventually(() => {
      expect(mailServer!.mailsTo(ada.email)).toHaveLength(1);
      return mailServer!.mailsTo(ada.email);
    });
    const body = { token: tokenIn(mail!.text!), new_password: NEW_PASSWORD };
    expect(await call(server.url, { path: '/v1/auth/password/reset', body })).toMatchObject({ status: 204 });
    const credentials = { email: ada.email, password: NEW_PASSWORD };
    expect(await call(server.url, { path: '/v1/auth/login', body: credentials })).toMatchObject({
      status: 200,
    });
  });

  it('goes out encrypted and signed in where the URL has an account', async () => {
    const account = { user: 'ada@example.com', password: 'p@ss:word/?' };
    mailServer = await MailServer.start({ account, hasTls: true });
    // Its certificate is nobody's.
    await start({ ...mailServer.env, NODE_TLS_REJECT_UNAUTHORIZED: '0' });
    const { email } = await signUp(server.url);
    expect(await forgot(email)).toMatchObject({ status: 202 });
    await eventually(() => expect(mailServer!.mailsTo(email)).toHaveLength(1));
    expect(mailServer.accounts).toEqual([account.user]);
    const log = JSON.stringify(server.logs());
    for (const secret of [account.password, email, PASSWORD, tokenIn(mailServer.mailsTo(email)[0]!.text!)])
      expect(log).not.toContain(secret);
  });
});
