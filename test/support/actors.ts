import { randomBytes } from 'node:crypto';
import type { Test } from 'supertest';
import { AccessTokens } from '../../src/auth/sign-in/access-token.service.js';
import { SessionsService } from '../../src/auth/sessions/sessions.service.js';
import { UsersService } from '../../src/users/users.service.js';
import type { TestApp } from './create-test-app.js';

export const PASSWORD = 'correct horse battery staple';

/** Somebody who uses the API: their requests carry their token. */
export interface Actor {
  readonly id: number;
  readonly email: string;
  readonly token: string;
  get(path: string): Test;
  post(path: string, body?: object): Test;
  patch(path: string, body?: object): Test;
  delete(path: string): Test;
}

export const randomEmail = (name = 'user') => `${name}-${randomBytes(6).toString('hex')}@example.com`;

/** Registers and signs in over HTTP. */
export async function asUser(testApp: TestApp, email = randomEmail()): Promise<Actor> {
  const registered = await testApp
    .request()
    .post('/v1/auth/register')
    .send({ email, password: PASSWORD })
    .expect(201);
  return signedIn(testApp, (registered.body as { user: { id: number } }).user.id, email);
}

/** A user whom the server itself made an admin, as the first one is. */
export async function asAdmin(testApp: TestApp, email = randomEmail('admin')): Promise<Actor> {
  const user = await asUser(testApp, email);
  await testApp.app.get(UsersService, { strict: false }).changeStanding(user.id, { role: 'admin' }, user);
  return user;
}

/** An access token of a new session, without the cost of a password. */
export async function tokenFor({ app }: TestApp, userId: number): Promise<string> {
  const session = await app.get(SessionsService, { strict: false }).startSession(userId, undefined);
  return (await app.get(AccessTokens, { strict: false }).issueAccessToken(session, session.lastUsedAt)).token;
}

export async function signIn(testApp: TestApp, email: string, password = PASSWORD): Promise<string> {
  const { body } = await testApp.request().post('/v1/auth/login').send({ email, password }).expect(200);
  return (body as { access_token: string }).access_token;
}

/** The same person on another server of the same installation. */
export function actingOn(
  testApp: TestApp,
  { id, email, token }: Pick<Actor, 'id' | 'email' | 'token'>,
): Actor {
  const authorized = (test: Test) => test.set('authorization', `Bearer ${token}`);
  return {
    id,
    email,
    token,
    get: (path) => authorized(testApp.request().get(path)),
    post: (path, body) => authorized(testApp.request().post(path)).send(body),
    patch: (path, body) => authorized(testApp.request().patch(path)).send(body),
    delete: (path) => authorized(testApp.request().delete(path)),
  };
}

async function signedIn(testApp: TestApp, id: number, email: string): Promise<Actor> {
  return actingOn(testApp, { id, email, token: await signIn(testApp, email) });
}
