import { VerifiedTokens } from './verified-tokens.js';

describe(VerifiedTokens.name, () => {
  const token = { userId: 1, sessionId: 'session', expiresAt: Date.now() / 1000 + 60 };

  it('finds a token by the usual spelling of the header only', () => {
    const tokens = new VerifiedTokens();
    tokens.remember('a.b.c', token);
    expect(tokens.find('Bearer a.b.c')).toBe(token);
    for (const other of ['bearer a.b.c', 'Bearer  a.b.c', 'Bearer a.b.c ', 'a.b.c', 'Bearer a.b.d', '']) {
      expect(tokens.find(other)).toBeUndefined();
    }
  });

  it('does not find an expired token', () => {
    const tokens = new VerifiedTokens();
    tokens.remember('a.b.c', { ...token, expiresAt: Date.now() / 1000 - 1 });
    expect(tokens.find('Bearer a.b.c')).toBeUndefined();
  });
});
