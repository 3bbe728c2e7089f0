import { VerifiedTokens } from './verified-tokens.js';

describe(VerifiedTokens.name, () => {
  const known = { userId: 1, sessionId: 'session', expiresAt: Date.now() / 1000 + 60 };

  it('knows a token by the header that nearly all write, and keeps no other spelling of it', () => {
    const tokens = new VerifiedTokens();
    tokens.remember('a.b.c', known);
    expect(tokens.find('Bearer a.b.c')).toBe(known);
    for (const other of ['bearer a.b.c', 'Bearer  a.b.c', 'Bearer a.b.c ', 'a.b.c', 'Bearer a.b.d', '']) {
      expect(tokens.find(other)).toBeUndefined();
    }
  });

  it('does not know one any more that has expired', () => {
    const tokens = new VerifiedTokens();
    tokens.remember('a.b.c', { ...known, expiresAt: Date.now() / 1000 - 1 });
    expect(tokens.find('Bearer a.b.c')).toBeUndefined();
  });
});
