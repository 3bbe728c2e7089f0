import type { Response } from 'supertest';
import { PasswordReset } from '../src/auth/password-resets/password-reset.entity.js';
import { PasswordHasher } from '../src/auth/passwords/password-hasher.js';
import { PASSWORD_RESET_DELIVERY_DEFAULTS } from '../src/auth/password-resets/password-reset-delivery.js';
import { MAILER_DEFAULTS } from '../src/common/mail/mailer.js';
import { type Actor, actingOn, asAdmin, asUser, PASSWORD, randomEmail, signIn } from './support/actors.js';
import { appearanceOf } from './support/appearance.js';
import { auditLogs, rowsLeftBy } from './support/audit-trail.js';
import { createTestApp, TEST_SECRET, type TestApp } from './support/create-test-app.js';
import { eventually } from './support/eventually.js';
import { expectInvalid, expectProblem } from './support/expected.js';
import { MailServer, tokenIn } from './support/mail-server.js';
import { createStorage, stack, type Storage } from './support/stack.js';

const NEW_PASSWORD = 'nine lives of a paper cat';
const MINUTE = 60_000;
const DAY = 86_400_000;
const OTHER_SECRET = 'Jq3vT9xLw2ZbR7mKd5HcYf8NsGp4UaE1';

const times = <T>(count: number, act: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => act(index));

const forgot = (server: TestApp, email: unknown) =>
  server.request().post('/v1/auth/password/forgot').send({ email });
const reset = (server: TestApp, token: unknown, password: unknown = NEW_PASSWORD) =>
  server.request().post('/v1/auth/password/reset').send({ token, new_password: password });
const login = (server: TestApp, email: string, password: string) =>
  server.request().post('/v1/auth/login').send({ email, password });

const stored = (server: TestApp): Promise<PasswordReset[]> =>
  server.unitOfWork.read((manager) => manager.find(PasswordReset));
const storedOf = async (server: TestApp, email: string) =>
  (await stored(server)).filter((row) => row.email === email);
const change = (server: TestApp, id: string, to: Partial<PasswordReset>) =>
  server.unitOfWork.write((manager) => manager.update(PasswordReset, { id }, to));
const idOf = (token: string) => token.split('.')[0]!;

/** Shortens the delays of all servers that a test starts. */
function hurry(): void {
  jest.replaceProperty(PASSWORD_RESET_DELIVERY_DEFAULTS, 'wakeDelayMs', 1);
  jest.replaceProperty(PASSWORD_RESET_DELIVERY_DEFAULTS, 'pollMs', 25);
  jest.replaceProperty(PASSWORD_RESET_DELIVERY_DEFAULTS, 'firstRetryMs', 5);
  jest.replaceProperty(PASSWORD_RESET_DELIVERY_DEFAULTS, 'longestRetryMs', 50);
  jest.replaceProperty(PASSWORD_RESET_DELIVERY_DEFAULTS, 'shutdownGraceMs', 50);
}
/** Servers that a test starts send no mail. */
function rest(): void {
  jest.replaceProperty(PASSWORD_RESET_DELIVERY_DEFAULTS, 'wakeDelayMs', 3_600_000);
  jest.replaceProperty(PASSWORD_RESET_DELIVERY_DEFAULTS, 'pollMs', 3_600_000);
}

function expectRefused(response: Response): void {
  expectProblem(response, 401, 'INVALID_RESET_TOKEN');
  expect(response.headers['www-authenticate']).toBe('Bearer realm="watchlist"');
}

/** Waits until no mail is due. */
const nothingDue = (server: TestApp) =>
  eventually(async () =>
    expect((await stored(server)).filter(({ mailDueAt }) => mailDueAt !== null)).toEqual([]),
  );

describe('password resets', () => {
  let mailServer: MailServer;
  let server: TestApp;
  let admin: Actor;
  let ada: Actor;
  beforeAll(async () => {
    hurry();
    mailServer = await MailServer.start();
    server = await createTestApp({ env: mailServer.env });
    admin = await asAdmin(server);
  });
  beforeEach(async () => {
    ada = await asUser(server);
  });
  afterAll(async () => {
    await server.close();
    await mailServer.close();
    jest.restoreAllMocks();
  });

  /** What the mail brings whom. */
  async function mailedToken(email: string): Promise<string> {
    await forgot(server, email).expect(202);
    const [mail] = await eventually(() => {
      const mails = mailServer.mailsTo(email);
      expect(mails.length).toBeGreaterThan(0);
      return mails.slice(-1);
    });
    return tokenIn(mail!.text!);
  }
  const createLink = async (userId: number) =>
    (await admin.post(`/v1/admin/users/${userId}/password-reset`).expect(201)).body as {
      reset_url: string;
      expires_at: string;
    };
  const createToken = async (userId: number) => tokenIn((await createLink(userId)).reset_url);

  describe('POST /v1/auth/password/forgot', () => {
    it('answers alike whether anybody has the address or not; mail goes to who has it, and to nobody else', async () => {
      const before = mailServer.mails.length;
      const unknown = randomEmail('nobody');
      const disabled = await asUser(server);
      await admin.patch(`/v1/admin/users/${disabled.id}`, { disabled: true }).expect(200);
      const answers = [
        await forgot(server, unknown),
        await forgot(server, disabled.email),
        await forgot(server, ada.email),
      ];
      for (const answer of answers) {
        expect(answer.status).toBe(202);
        expect(answer.body).toEqual({ status: 'ok' });
        expect(answer.headers['cache-control']).toBe('no-store');
        expect(appearanceOf(answer)).toEqual(appearanceOf(answers[0]!));
      }
      await nothingDue(server);
      expect(mailServer.mails.slice(before).map(({ recipients }) => recipients)).toEqual([[ada.email]]);
      // Of the others nothing is left.
      expect(await storedOf(server, unknown)).toEqual([]);
      expect(await storedOf(server, disabled.email)).toEqual([]);
    });

    it('leaves the same in the audit log for everybody: that it was asked, and with which address', async () => {
      for (const email of [ada.email, randomEmail('nobody')]) {
        const rows = await rowsLeftBy(admin, () => forgot(server, email).expect(202));
        expect(rows).toEqual([
          expect.objectContaining({
            actor_id: null,
            actor_email: email,
            action: 'auth.password_reset_requested',
            resource_type: 'user',
            resource_id: null,
            changes: {},
          }),
        ]);
      }
    });

    it('knows an address in any spelling', async () => {
      await forgot(server, `  ${ada.email.toUpperCase()} `).expect(202);
      await eventually(() => expect(mailServer.mailsTo(ada.email)).toHaveLength(1));
    });

    it('writes a mail in plain text and HTML that says until when and what else to do', async () => {
      const token = await mailedToken(ada.email);
      const [mail] = mailServer.mailsTo(ada.email);
      const link = `https://watchlist.example.com/dashboard/reset#token=${token}`;
      const [row] = await storedOf(server, ada.email);
      expect(mail!.from!.value).toEqual([{ name: 'Watchlist', address: 'no-reply@example.com' }]);
      expect(mail!.to).toMatchObject({ value: [{ name: '', address: ada.email }] });
      expect(mail!.subject).toBe('Choose a new password for your Watchlist');
      expect(mail!.headers.get('auto-submitted')).toBe('auto-generated');
      expect(mail!.html).toContain(`href="${link}"`);
      for (const text of [mail!.text!, mail!.html as string]) {
        expect(text).toContain(link);
        expect(text).toContain(`once, until ${row!.expiresAt.toUTCString()}`);
        expect(text).toContain('If you did not request it, ignore this mail');
      }
    });

    it.each([
      ['Host', { host: 'evil.example' }],
      ['X-Forwarded-Host', { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' }],
      ['Forwarded', { forwarded: 'host=evil.example;proto=http' }],
      ['Origin and Referer', { origin: 'http://localhost:3000', referer: 'https://evil.example/' }],
    ])('links to PUBLIC_URL, whatever %s says', async (_name, headers: Record<string, string>) => {
      await forgot(server, ada.email).set(headers).expect(202);
      const [mail] = await eventually(() => {
        expect(mailServer.mailsTo(ada.email)).toHaveLength(1);
        return mailServer.mailsTo(ada.email);
      });
      expect(mail!.source).not.toContain('evil.example');
      expect(mail!.text).toContain('https://watchlist.example.com/dashboard/reset#token=');
    });

    it('sends three mails in half an hour and address at most, whatever is done to the account meanwhile', async () => {
      await Promise.all(times(12, () => forgot(server, ada.email).expect(202)));
      await nothingDue(server);
      expect(mailServer.mailsTo(ada.email)).toHaveLength(3);
      expect(await storedOf(server, ada.email)).toHaveLength(3);
      const again = async () => {
        await Promise.all(times(4, () => forgot(server, ada.email).expect(202)));
        await nothingDue(server);
        expect(mailServer.mailsTo(ada.email)).toHaveLength(3);
      };
      const body = { current_password: PASSWORD, new_password: PASSWORD };
      await ada.post('/v1/auth/password', body).expect(204);
      await again();
      for (const email of [randomEmail(), ada.email])
        await ada.patch('/v1/auth/me', { email, current_password: PASSWORD }).expect(200);
      await again();
      await ada.delete('/v1/auth/me').send({ current_password: PASSWORD }).expect(204);
      await asUser(server, ada.email);
      await again();
    });

    it.each([
      ['missing', undefined],
      ['null', null],
      ['no address', 'ada'],
      ['two addresses', 'ada@example.com,bob@example.com'],
      ['with a header behind it', 'ada@example.com\r\nBcc: bob@example.com'],
      ['with a name', 'Ada <ada@example.com>'],
      ['a list', ['ada@example.com']],
    ])('refuses an e-mail that is %s', async (_what, email) => {
      expectInvalid(await forgot(server, email), 'email');
    });
  });

  describe('POST /v1/auth/password/reset', () => {
    it('sets the password, and leaves a row in the audit log', async () => {
      const token = await mailedToken(ada.email);
      const rows = await rowsLeftBy(admin, async () => {
        const response = await reset(server, token).expect(204);
        expect(response.text).toBe('');
      });
      expect(rows).toEqual([
        expect.objectContaining({
          actor_id: ada.id,
          actor_email: ada.email,
          action: 'auth.password_reset',
          resource_id: ada.id,
          changes: {},
        }),
      ]);
      expectProblem(await login(server, ada.email, PASSWORD), 401, 'INVALID_CREDENTIALS');
      await login(server, ada.email, NEW_PASSWORD).expect(200);
    });

    it('ends all sessions of the user: access tokens and refresh tokens; nobody else is signed out', async () => {
      const token = await mailedToken(ada.email);
      const { body } = await login(server, ada.email, PASSWORD).expect(200);
      await reset(server, token).expect(204);
      expectProblem(await ada.get('/v1/auth/me'), 401, 'UNAUTHORIZED');
      const refreshed = await server
        .request()
        .post('/v1/auth/refresh')
        .send({ refresh_token: body.refresh_token });
      expectProblem(refreshed, 401, 'INVALID_REFRESH_TOKEN');
      await admin.get('/v1/auth/me').expect(200);
    });

    it('revokes all personal tokens: whoever knew the old password may have made some', async () => {
      const { body } = await ada
        .post('/v1/auth/tokens', { name: 'Backup', scopes: ['profile:read'] })
        .expect(201);
      const script = actingOn(server, { ...ada, token: body.token });
      await script.get('/v1/auth/me').expect(200);
      await reset(server, await createToken(ada.id)).expect(204);
      expectProblem(await script.get('/v1/auth/me'), 401, 'UNAUTHORIZED');
    });

    it('refuses the e-mail address for a password; the token stays good', async () => {
      const token = await createToken(ada.id);
      for (const password of [ada.email, ada.email.split('@')[0]!.toUpperCase()])
        expectInvalid(await reset(server, token, password), 'new_password');
      await login(server, ada.email, PASSWORD).expect(200);
      await reset(server, token).expect(204);
    });

    it('leaves no token and no link behind that is made at that moment', async () => {
      const eve = await asAdmin(server);
      const token = await createToken(eve.id);
      const statuses: number[] = [];
      const personal: string[] = [];
      const links: string[] = [];
      let isOver = false;
      const make = async () => {
        while (!isOver) {
          const made = await eve.post('/v1/auth/tokens', { name: 'x', scopes: ['profile:read'] });
          const link = await eve.post(`/v1/admin/users/${eve.id}/password-reset`);
          statuses.push(made.status, link.status);
          if (made.status === 201) personal.push(made.body.token as string);
          if (link.status === 201) links.push(tokenIn(link.body.reset_url as string));
        }
      };
      const making = Promise.all(times(4, make));
      await eventually(() => expect(links.length).toBeGreaterThan(0));
      await reset(server, token).expect(204);
      await eventually(() => expect(statuses.slice(-8)).toEqual(Array(8).fill(401)));
      isOver = true;
      await making;
      expect(statuses.filter((status) => ![201, 401, 409].includes(status))).toEqual([]);
      for (const each of personal)
        await actingOn(server, { ...eve, token: each })
          .get('/v1/auth/me')
          .expect(401);
      for (const each of links) expectRefused(await reset(server, each, `${NEW_PASSWORD}, stolen`));
      await login(server, eve.email, NEW_PASSWORD).expect(200);
    });

    it.each<[string, (eve: Actor) => PromiseLike<unknown>]>([
      ['is one no longer', ({ id }) => admin.patch(`/v1/admin/users/${id}`, { role: 'user' }).expect(200)],
      ['is disabled', ({ id }) => admin.patch(`/v1/admin/users/${id}`, { disabled: true }).expect(200)],
      ['has had their password reset', async ({ id }) => reset(server, await createToken(id)).expect(204)],
      ['is gone', (eve) => eve.delete('/v1/auth/me').send({ current_password: PASSWORD }).expect(204)],
    ])('refuses the link and the invitation of an admin who %s', async (_what, act) => {
      const eve = await asAdmin(server);
      const link = await eve.post(`/v1/admin/users/${ada.id}/password-reset`).expect(201);
      const invited = { email: randomEmail(), role: 'admin' };
      const invitation = await eve.post('/v1/admin/users', invited).expect(201);
      await act(eve);
      for (const url of [link.body.reset_url, invitation.body.invitation_url] as string[])
        expectRefused(await reset(server, tokenIn(url)));
    });

    it('takes a token once', async () => {
      const token = await mailedToken(ada.email);
      await reset(server, token).expect(204);
      expectRefused(await reset(server, token, 'yet another password'));
      await login(server, ada.email, NEW_PASSWORD).expect(200);
    });

    it('lets one of twenty through who come with the same token at once', async () => {
      const token = await createToken(ada.id);
      const passwords = times(20, (n) => `${NEW_PASSWORD}, ${n}`);
      // Hashed beforehand: two at a time would not meet in the database.
      const hasher = server.app.get(PasswordHasher, { strict: false });
      const hashes = new Map<string, string>();
      for (const password of passwords) hashes.set(password, await hasher.hashPassword(password));
      const spy = jest
        .spyOn(hasher, 'hashPassword')
        .mockImplementation(async (password) => hashes.get(password)!);
      const rows = await rowsLeftBy(admin, async () => {
        const answers = await Promise.all(passwords.map((password) => reset(server, token, password)));
        const winners = answers.flatMap(({ status }, n) => (status === 204 ? [n] : []));
        expect(winners).toHaveLength(1);
        for (const answer of answers.filter(({ status }) => status !== 204)) expectRefused(answer);
        await login(server, ada.email, passwords[winners[0]!]!).expect(200);
      });
      spy.mockRestore();
      expect(rows.map(({ action }) => action).sort()).toEqual([
        'auth.login_succeeded',
        'auth.password_reset',
      ]);
    });

    it('lets nobody in whose old password was found right just before', async () => {
      const token = await createToken(ada.id);
      const passwords = server.app.get(PasswordHasher, { strict: false });
      const verify = passwords.checkPassword.bind(passwords);
      const spy = jest.spyOn(passwords, 'checkPassword').mockImplementationOnce(async (...given) => {
        const isRight = await verify(...given);
        await reset(server, token).expect(204);
        return isRight;
      });
      expectProblem(await login(server, ada.email, PASSWORD), 401, 'INVALID_CREDENTIALS');
      expect(spy).toHaveBeenCalledTimes(2);
      await expect(spy.mock.results[0]!.value).resolves.toBe(true);
      spy.mockRestore();
    });

    it('makes the other links of the user useless, also those whose mail is still to come', async () => {
      const [first, second] = [await mailedToken(ada.email), await createToken(ada.id)];
      await reset(server, second).expect(204);
      expectRefused(await reset(server, first));
      expect(await storedOf(server, ada.email)).toEqual([]);
    });

    it.each<[string, (user: Actor) => PromiseLike<unknown>]>([
      [
        'the user has changed the password',
        ({ post }) =>
          post('/v1/auth/password', { current_password: PASSWORD, new_password: PASSWORD }).expect(204),
      ],
      [
        'the user has been disabled, and enabled again',
        async ({ id }) => {
          for (const disabled of [true, false])
            await admin.patch(`/v1/admin/users/${id}`, { disabled }).expect(200);
        },
      ],
      [
        'the user has been removed',
        ({ id }) =>
          server.unitOfWork.write((manager) => manager.query('DELETE FROM users WHERE id = $1', [id])),
      ],
    ])('refuses a token once %s', async (_what, meanwhile) => {
      const token = await createToken(ada.id);
      await meanwhile(ada);
      expectRefused(await reset(server, token));
    });

    it('is of no use to who may not sign in, until they may', async () => {
      await admin.patch(`/v1/admin/users/${ada.id}`, { disabled: true }).expect(200);
      const token = await createToken(ada.id);
      expectRefused(await reset(server, token));
      await admin.patch(`/v1/admin/users/${ada.id}`, { disabled: false }).expect(200);
      await reset(server, token).expect(204);
    });

    it('takes it for half an hour', async () => {
      const token = await mailedToken(ada.email);
      const [{ createdAt, expiresAt }] = (await storedOf(server, ada.email)) as [PasswordReset];
      expect(expiresAt.getTime() - createdAt.getTime()).toBe(30 * MINUTE);
      await change(server, idOf(token), { expiresAt: new Date(Date.now() - 1) });
      expectRefused(await reset(server, token));
      await change(server, idOf(token), { expiresAt: new Date(Date.now() + MINUTE) });
      await reset(server, token).expect(204);
    });

    describe('refuses, without harm to the link,', () => {
      it.each<[string, (token: string) => string]>([
        ['a forged code', (token) => token.replace(/[\w-]{43}$/, 'A'.repeat(43))],
        ['an id of nothing', (token) => `${'A'.repeat(22)}${token.slice(22)}`],
        ['a beginning', (token) => token.slice(0, -1)],
        ['more than all', (token) => `${token}A`],
        ['the id alone', idOf],
        ['the whole link', (token) => `https://watchlist.example.com/dashboard/reset#token=${token}`],
        ['another script', () => '映画'],
      ])('%s', async (_what, forge) => {
        const token = await createToken(ada.id);
        expectRefused(await reset(server, forge(token)));
        await login(server, ada.email, PASSWORD).expect(200);
        await reset(server, token).expect(204);
      });

      it('a new password that would not be taken at registration', async () => {
        const token = await createToken(ada.id);
        for (const password of ['short', null, 5, 'x'.repeat(257)])
          expectInvalid(await reset(server, token, password), 'new_password');
        await reset(server, token).expect(204);
      });
    });

    it.each([
      ['empty', ''],
      ['null', null],
      ['missing', undefined],
      ['a number', 5],
      ['a list', ['x']],
      ['with a NUL', 'a\0b'],
      ['of 257 characters', 'x'.repeat(257)],
    ])('does not know a token that is %s', async (_what, token) => {
      expectInvalid(await reset(server, token), 'token');
    });

    it('answers alike whatever is wrong: forged, used, expired, of a disabled user', async () => {
      const used = await createToken(ada.id);
      await reset(server, used).expect(204);
      const expired = await createToken(ada.id);
      await change(server, idOf(expired), { expiresAt: new Date(0) });
      const other = await asUser(server);
      await admin.patch(`/v1/admin/users/${other.id}`, { disabled: true }).expect(200);
      const ofDisabled = await createToken(other.id);
      const forged = await reset(server, `${'A'.repeat(22)}.${'A'.repeat(43)}`);
      expectRefused(forged);
      for (const token of [used, expired, ofDisabled])
        expect(appearanceOf(await reset(server, token))).toEqual(appearanceOf(forged));
    });

    it('is no refresh token, nor is one of those a token for this', async () => {
      const token = await createToken(ada.id);
      const [id, code] = token.split('.') as [string, string];
      const response = await server
        .request()
        .post('/v1/auth/refresh')
        .send({ refresh_token: `${id}.0.${code}` });
      expectProblem(response, 401, 'INVALID_REFRESH_TOKEN');
      const { body } = await login(server, ada.email, PASSWORD).expect(200);
      const [session, , mac] = (body.refresh_token as string).split('.');
      expectRefused(await reset(server, `${session}.${mac}`));
    });
  });

  describe('POST /v1/admin/users/{user_id}/password-reset', () => {
    it('makes a link from PUBLIC_URL; the audit log says who did', async () => {
      const rows = await rowsLeftBy(admin, async () => {
        const { body, headers } = await admin.post(`/v1/admin/users/${ada.id}/password-reset`).expect(201);
        expect(body).toEqual({
          status: 'ok',
          user: expect.objectContaining({ id: ada.id, email: ada.email, role: 'user', disabled: false }),
          reset_url: expect.stringMatching(
            /^https:\/\/watchlist\.example\.com\/dashboard\/reset#token=[\w-]{22}\.[\w-]{43}$/,
          ),
          expires_at: (await storedOf(server, ada.email))[0]!.expiresAt.toISOString(),
        });
        expect(headers['cache-control']).toBe('no-store');
      });
      expect(rows).toEqual([
        expect.objectContaining({
          actor_id: admin.id,
          actor_email: admin.email,
          action: 'user.password_reset_created',
          resource_type: 'user',
          resource_id: ada.id,
          changes: {},
        }),
      ]);
      await nothingDue(server);
      expect(mailServer.mailsTo(ada.email)).toEqual([]);
    });

    it('keeps nothing that could be presented, and logs nothing of it', async () => {
      const mailed = await mailedToken(ada.email);
      const created = await createToken(ada.id);
      const row = JSON.stringify(await storedOf(server, ada.email));
      const { audit_logs } = await auditLogs(admin, { limit: 100 });
      for (const token of [mailed, created]) {
        expect(row).not.toContain(token.split('.')[1]);
        expect(JSON.stringify(server.logs)).not.toContain(idOf(token));
        expect(JSON.stringify(audit_logs)).not.toContain(idOf(token));
      }
      expect(JSON.stringify(server.logs)).not.toContain(ada.email);
    });

    it.each(['2147483647', '0', 'first'])('does not know the user %s', async (id) => {
      expectProblem(await admin.post(`/v1/admin/users/${id}/password-reset`), 404, 'USER_NOT_FOUND');
    });

    it('wants nothing in its body', async () => {
      expectInvalid(
        await admin.post(`/v1/admin/users/${ada.id}/password-reset`, { expires_at: 'never' }),
        'expires_at',
      );
    });
  });

  describe('POST /v1/admin/users', () => {
    it('creates a user whose password nobody knows, and mails them the link to choose one', async () => {
      const email = randomEmail('invited');
      let body: { user: { id: number }; invitation_url: string; expires_at: string };
      const rows = await rowsLeftBy(admin, async () => {
        ({ body } = await admin.post('/v1/admin/users', { email: email.toUpperCase() }).expect(201));
      });
      expect(body!).toEqual({
        status: 'ok',
        user: {
          id: expect.any(Number),
          email,
          role: 'user',
          disabled: false,
          created_at: expect.any(String),
          item_count: 0,
        },
        invitation_url: expect.stringMatching(/^https:\/\/watchlist\.example\.com\/dashboard\/reset#token=/),
        expires_at: expect.any(String),
      });
      expect(rows).toEqual([
        expect.objectContaining({
          actor_id: admin.id,
          actor_email: admin.email,
          action: 'user.invited',
          resource_id: body!.user.id,
          changes: { email: { from: null, to: email }, role: { from: null, to: 'user' } },
        }),
      ]);
      const [row] = (await storedOf(server, email)) as [PasswordReset];
      expect(row.expiresAt.getTime() - row.createdAt.getTime()).toBe(7 * DAY);
      expect(body!.expires_at).toBe(row.expiresAt.toISOString());

      const [mail] = await eventually(() => {
        expect(mailServer.mailsTo(email)).toHaveLength(1);
        return mailServer.mailsTo(email);
      });
      expect(mail!.subject).toBe('You are invited to Watchlist');
      // Both are the same link.
      expect(mail!.text).toContain(body!.invitation_url);
      expectProblem(await login(server, email, ''), 422, 'VALIDATION_FAILED');
      expectProblem(await login(server, email, PASSWORD), 401, 'INVALID_CREDENTIALS');
      await reset(server, tokenIn(mail!.text!)).expect(204);
      await login(server, email, NEW_PASSWORD).expect(200);
      expectRefused(await reset(server, tokenIn(body!.invitation_url)));
    });

    it('makes an admin of whom it is told to', async () => {
      const email = randomEmail('invited');
      const { body } = await admin.post('/v1/admin/users', { email, role: 'admin' }).expect(201);
      await reset(server, tokenIn(body.invitation_url)).expect(204);
      const token = await signIn(server, email, NEW_PASSWORD);
      await server.request().get('/v1/admin/stats').set('authorization', `Bearer ${token}`).expect(200);
    });

    it('knows an address that is taken, also when two invite at once', async () => {
      expectProblem(await admin.post('/v1/admin/users', { email: ada.email }), 409, 'EMAIL_TAKEN');
      const email = randomEmail('invited');
      const answers = await Promise.all(times(4, () => admin.post('/v1/admin/users', { email })));
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
      expect(await storedOf(server, email)).toHaveLength(1);
    });

    it.each<[object, string]>([
      [{}, 'email'],
      [{ email: 'ada' }, 'email'],
      [{ email: null }, 'email'],
      [{ email: 'ada@example.com', role: 'root' }, 'role'],
      [{ email: 'ada@example.com', role: null }, 'role'],
      [{ email: 'ada@example.com', password: PASSWORD }, 'password'],
      [{ email: 'ada@example.com', disabled: true }, 'disabled'],
    ])('refuses %j', async (body, field) => {
      expectInvalid(await admin.post('/v1/admin/users', body), field);
    });
  });
});

describe('mail that sets a password', () => {
  let storage: Storage;
  /** Closed after each test. */
  const closing: { close(): Promise<void> }[] = [];
  beforeEach(async () => {
    hurry();
    storage = await createStorage();
  });
  afterEach(async () => {
    for (const each of closing.splice(0)) await each.close();
    await storage.remove();
    jest.restoreAllMocks();
  });

  async function start(env: Record<string, string>): Promise<TestApp> {
    const server = await createTestApp({ storage, env });
    closing.unshift(server);
    return server;
  }
  async function startMail(options: Parameters<typeof MailServer.start>[0] = {}): Promise<MailServer> {
    const mailServer = await MailServer.start(options);
    closing.push(mailServer);
    return mailServer;
  }
  async function stop(server: TestApp): Promise<void> {
    closing.splice(closing.indexOf(server), 1);
    await server.close();
  }
  const arrivesAt = (mailServer: MailServer, email: string, count = 1) =>
    eventually(() => {
      expect(mailServer.mailsTo(email)).toHaveLength(count);
      return mailServer.mailsTo(email);
    });
  const attempts = async (server: TestApp) => (await stored(server))[0]!.mailAttempts;
  const mailWarnings = ({ logs }: TestApp) =>
    new Set(logs.filter(({ context }) => context === 'PasswordResetDelivery').map(({ msg }) => msg));

  it('arrives when the mail server is back', async () => {
    const { port, env } = await MailServer.place();
    const server = await start(env);
    const ada = await asUser(server);
    await forgot(server, ada.email).expect(202);
    await eventually(async () => expect(await attempts(server)).toBeGreaterThanOrEqual(2));
    const mailServer = await startMail({ port });
    const [mail] = await arrivesAt(mailServer, ada.email);
    await reset(server, tokenIn(mail!.text!)).expect(204);
    await login(server, ada.email, NEW_PASSWORD).expect(200);
  });

  it('arrives after a restart of the server', async () => {
    const { port, env } = await MailServer.place();
    const first = await start(env);
    const ada = await asUser(first);
    await forgot(first, ada.email).expect(202);
    await stop(first);
    const mailServer = await startMail({ port });
    const second = await start(env);
    const [mail] = await arrivesAt(mailServer, ada.email);
    await reset(second, tokenIn(mail!.text!)).expect(204);
    await login(second, ada.email, NEW_PASSWORD).expect(200);
  });

  it.each([
    ['is still in use', { JWT_SECRET: OTHER_SECRET, JWT_SECRETS_OLD: TEST_SECRET }, 204],
    ['is gone', { JWT_SECRET: OTHER_SECRET }, 401],
  ])(
    'is made with the new key when the key of the request %s; older links depend on their own key',
    async (_which, keys, status) => {
      const { port, env } = await MailServer.place();
      const first = await start(env);
      const admin = await asAdmin(first);
      const [invited, other] = [randomEmail('invited'), randomEmail('invited')];
      const links = await Promise.all(
        [invited, other].map((email) => admin.post('/v1/admin/users', { email }).expect(201)),
      );
      await stop(first);
      const mailServer = await startMail({ port });
      const second = await start({ ...env, ...keys });
      const [mail] = await arrivesAt(mailServer, invited);
      await arrivesAt(mailServer, other);
      await reset(second, tokenIn(mail!.text!)).expect(204);
      await reset(second, tokenIn(links[1]!.body.invitation_url)).expect(status);
    },
  );

  it('is retried while the mail server refuses it, until the link expires', async () => {
    const mailServer = await startMail();
    mailServer.answer({ code: 550, message: 'no such mailbox' });
    const server = await start(mailServer.env);
    const ada = await asUser(server);
    await forgot(server, ada.email).expect(202);
    await eventually(async () => expect(await attempts(server)).toBeGreaterThanOrEqual(3));
    const [{ id }] = (await stored(server)) as [PasswordReset];
    // The response of the mail server contains the address, so the log must not.
    expect(mailWarnings(server)).toEqual(new Set(['mail was not sent: EENVELOPE 550']));
    expect(JSON.stringify(server.logs)).not.toContain(ada.email);
    expect(JSON.stringify(server.logs)).not.toContain(id);
    await change(server, id, { expiresAt: new Date() });
    await eventually(async () => expect(await stored(server)).toEqual([]));
    mailServer.answer(undefined);
    await forgot(server, ada.email).expect(202);
    await arrivesAt(mailServer, ada.email);
  });

  it('is aborted when it takes too long, and retried', async () => {
    jest.replaceProperty(MAILER_DEFAULTS, 'sendTimeout', 200);
    const mailServer = await startMail();
    mailServer.hang();
    const server = await start(mailServer.env);
    const ada = await asUser(server);
    await forgot(server, ada.email).expect(202);
    await eventually(async () => expect(await attempts(server)).toBeGreaterThanOrEqual(2));
    expect(server.logs).toContainEqual(expect.objectContaining({ msg: 'mail was not sent: EABORT' }));
  });

  it('does not wait for other mail, so that its delay reveals nothing', async () => {
    const mailServer = await startMail();
    mailServer.hang();
    const server = await start(mailServer.env);
    const users = await Promise.all(times(6, () => asUser(server)));
    for (const { email } of users) await forgot(server, email).expect(202);
    await eventually(() => expect(mailServer.connections).toBe(6));
  });

  it('delays no shutdown, and is sent after the restart', async () => {
    const mailServer = await startMail();
    mailServer.hang();
    const first = await start(mailServer.env);
    const ada = await asUser(first);
    await forgot(first, ada.email).expect(202);
    await eventually(() => expect(mailServer.connections).toBe(1));
    await stop(first);
    const other = await startMail();
    await start(other.env);
    await arrivesAt(other, ada.email);
  });

  it.each([
    ['without encryption', false, 'mail was not sent: ETLS 500'],
    ['with an untrusted certificate', true, 'mail was not sent: ESOCKET'],
  ])('is not sent, and neither is the SMTP password, to a mail server %s', async (_what, hasTls, warning) => {
    const account = { user: 'ada@example.com', password: 'p@ss:word/?' };
    const mailServer = await startMail({ account, hasTls });
    const server = await start(mailServer.env);
    const ada = await asUser(server);
    await forgot(server, ada.email).expect(202);
    await eventually(async () => expect(await attempts(server)).toBeGreaterThanOrEqual(1));
    expect(mailWarnings(server)).toEqual(new Set([warning]));
    expect(mailServer.accounts).toEqual([]);
    expect(mailServer.mails).toEqual([]);
    expect(JSON.stringify(server.logs)).not.toContain(account.password);
  });

  if (stack() === 'postgres+redis') {
    it('is sent once by several servers, within the same limit', async () => {
      const mailServer = await startMail();
      rest();
      const first = await start(mailServer.env);
      const users = await Promise.all(times(10, () => asUser(first)));
      const impatient = await asUser(first);
      for (const { email } of users) await forgot(first, email).expect(202);
      for (let n = 0; n < 20; n++) await forgot(first, impatient.email).expect(202);
      hurry();
      const others = await Promise.all(times(3, () => start(mailServer.env)));
      await nothingDue(others[0]!);
      expect(mailServer.mails.flatMap(({ recipients }) => recipients).sort()).toEqual(
        [...users, impatient, impatient, impatient].map(({ email }) => email).sort(),
      );
    });
  }

  it('leaves no rows behind: the next start deletes expired links', async () => {
    const mailServer = await startMail();
    const first = await start(mailServer.env);
    const users = await Promise.all(times(3, () => asUser(first)));
    const admin = await asAdmin(first);
    for (const { id } of users) await admin.post(`/v1/admin/users/${id}/password-reset`).expect(201);
    const rowOf = async ({ email }: Actor) => (await storedOf(first, email))[0]!.id;
    const past = (minutes: number) => new Date(Date.now() - minutes * MINUTE);
    await change(first, await rowOf(users[0]!), { createdAt: past(45), expiresAt: past(15) });
    await change(first, await rowOf(users[1]!), { createdAt: past(75), expiresAt: past(45) });
    await stop(first);
    const second = await start(mailServer.env);
    await eventually(async () =>
      expect((await stored(second)).map(({ userId }) => userId)).toEqual([users[2]!.id]),
    );
  });
});

describe('without SMTP_URL', () => {
  let server: TestApp;
  let admin: Actor;
  beforeAll(async () => {
    server = await createTestApp();
    admin = await asAdmin(server);
  });
  afterAll(() => server.close());

  it('nobody can ask for mail: 503, for whomever', async () => {
    for (const email of [admin.email, randomEmail('nobody')]) {
      const rows = await rowsLeftBy(admin, async () => {
        const response = await forgot(server, email);
        expectProblem(response, 503, 'MAIL_NOT_CONFIGURED');
        expect(response.headers).not.toHaveProperty('retry-after');
      });
      expect(rows).toEqual([]);
    }
    expect(await stored(server)).toEqual([]);
  });

  it('an admin makes a link to this server that works, and never from a header', async () => {
    const ada = await asUser(server);
    const { body } = await admin
      .post(`/v1/admin/users/${ada.id}/password-reset`)
      .set({ host: 'evil.example', 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' })
      .expect(201);
    expect(body.reset_url).toMatch(/^\/dashboard\/reset#token=[\w-]{22}\.[\w-]{43}$/);
    await reset(server, tokenIn(body.reset_url)).expect(204);
    await login(server, ada.email, NEW_PASSWORD).expect(200);
  });

  it('an invitation is a link too', async () => {
    const email = randomEmail('invited');
    const { body } = await admin.post('/v1/admin/users', { email }).expect(201);
    expect((await storedOf(server, email))[0]!.mailDueAt).toBeNull();
    await reset(server, tokenIn(body.invitation_url)).expect(204);
    await login(server, email, NEW_PASSWORD).expect(200);
  });

  it('links begin with PUBLIC_URL where it is set', async () => {
    const other = await createTestApp({ env: { PUBLIC_URL: 'http://localhost:8000' } });
    const { body } = await (await asAdmin(other)).post('/v1/admin/users', { email: randomEmail() });
    await other.close();
    expect(body.invitation_url).toMatch(/^http:\/\/localhost:8000\/dashboard\/reset#token=/);
  });
});

describe('REGISTRATION=closed', () => {
  let server: TestApp;
  const [email, password] = ['admin@example.com', PASSWORD];
  beforeAll(async () => {
    server = await createTestApp({
      env: {
        REGISTRATION: 'closed',
        ADMIN_EMAIL: email,
        ADMIN_PASSWORD: password,
        RATE_LIMIT_REGISTER: '6/3600',
      },
    });
  });
  afterAll(() => server.close());
  const register = (body: object) => server.request().post('/v1/auth/register').send(body);

  it('lets nobody register, whoever and whatever is sent', async () => {
    const answers = [
      await register({ email: randomEmail(), password }),
      await register({ email, password }),
      await register({ email: 'ada' }),
      await register({}),
    ];
    for (const answer of answers) {
      expectProblem(answer, 403, 'REGISTRATION_CLOSED');
      expect(answer.headers['www-authenticate']).toBe('Bearer realm="watchlist"');
      expect(appearanceOf(answer)).toEqual(appearanceOf(answers[0]!));
    }
  });

  it('counts the tries all the same', async () => {
    await register({});
    await register({});
    expectProblem(await register({}), 429, 'RATE_LIMITED');
  });

  it('leaves it to the admin, who is there from the beginning, to invite', async () => {
    const token = await signIn(server, email, password);
    const invited = randomEmail('invited');
    const { body } = await server
      .request()
      .post('/v1/admin/users')
      .set('authorization', `Bearer ${token}`)
      .send({ email: invited })
      .expect(201);
    await reset(server, tokenIn(body.invitation_url)).expect(204);
    await signIn(server, invited, NEW_PASSWORD);
  });
});

describe('RATE_LIMIT_LOGIN', () => {
  it('counts resets and requests for them, with sign-ins, per address', async () => {
    const mailServer = await MailServer.start();
    const server = await createTestApp({ env: { ...mailServer.env, RATE_LIMIT_LOGIN: '3/3600' } });
    try {
      await forgot(server, randomEmail()).expect(202);
      expectRefused(await reset(server, 'x'));
      await login(server, randomEmail(), PASSWORD).expect(401);
      for (const answer of [await forgot(server, randomEmail()), await reset(server, 'x')])
        expectProblem(answer, 429, 'RATE_LIMITED');
    } finally {
      await server.close();
      await mailServer.close();
    }
  });
});
