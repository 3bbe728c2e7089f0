import { originForm, pathOf } from './path.js';

describe(pathOf.name, () => {
  it.each([
    ['/v1/watchlists?skip=1&limit=2', '/v1/watchlists'],
    ['/v1/watchlists', '/v1/watchlists'],
    ['/?', '/'],
    ['/a?b?c', '/a'],
    ['?', ''],
  ])('of %s is %s', (target, path) => {
    expect(pathOf(target)).toBe(path);
  });
});

describe(originForm.name, () => {
  it.each([
    ['/v1/watchlists?skip=1', '/v1/watchlists?skip=1'],
    ['//elsewhere.example/v1', '//elsewhere.example/v1'],
    ['http://localhost:8000/v1/auth/me?a=b', '/v1/auth/me?a=b'],
    ['HTTPS://user@[::1]/v1', '/v1'],
    ['http://localhost', '/'],
    ['http://localhost?a=/health', '/?a=/health'],
    ['http:///health', '/health'],
    ['*', '/*'],
    ['*health', '/*health'],
    ['ftp://localhost/health', '/ftp://localhost/health'],
    ['example.com:443', '/example.com:443'],
    ['', '/'],
  ])('of %s is %s', (target, path) => {
    expect(originForm(target)).toBe(path);
  });
});
