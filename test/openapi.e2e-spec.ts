import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTestApp, type TestApp } from './support/create-test-app.js';

const FILE = join(__dirname, '../openapi.json');

describe('openapi.json', () => {
  let server: TestApp;
  beforeAll(async () => {
    server = await createTestApp();
  });
  afterAll(() => server.close());

  it('in the repository is what the server serves (npm run openapi writes it anew)', async () => {
    const { body } = await server.request().get('/openapi.json').expect(200);
    if (process.env['WRITE_OPENAPI'] === 'true') writeFileSync(FILE, `${JSON.stringify(body, null, 2)}\n`);
    expect(JSON.parse(readFileSync(FILE, 'utf8'))).toEqual(body);
  });
});
