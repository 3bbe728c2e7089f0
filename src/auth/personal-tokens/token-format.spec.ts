import { hashToken, isWellFormedToken, generateToken } from './token-format.js';

describe(generateToken.name, () => {
  it('makes what is well-formed, and never the same twice', () => {
    const tokens = Array.from({ length: 2000 }, () => generateToken());
    expect(tokens.filter((token) => !isWellFormedToken(token))).toEqual([]);
    expect(new Set(tokens).size).toBe(tokens.length);
  });

  it('draws on every digit in every place', () => {
    const secrets = Array.from({ length: 2000 }, () => generateToken().slice(3, 33));
    for (let place = 0; place < 30; place++) {
      expect(new Set(secrets.map((secret) => secret[place])).size).toBe(62);
    }
  });
});

describe(isWellFormedToken.name, () => {
  // CRC-32 of thirty zeros, as zlib elsewhere has it: 0x77e5db82.
  const token = 'wl_0000000000000000000000000000002C8GjS';

  it('knows the checksum', () => {
    expect(isWellFormedToken(token)).toBe(true);
  });

  it('sees every digit that is mistyped', () => {
    for (let place = 3; place < token.length; place++) {
      const other = token[place] === 'x' ? 'y' : 'x';
      expect(isWellFormedToken(token.slice(0, place) + other + token.slice(place + 1))).toBe(false);
    }
  });

  it.each([
    '',
    'wl_',
    token.slice(0, -1),
    `${token}0`,
    ` ${token}`,
    `${token}\n`,
    token.toUpperCase(),
    token.slice(3),
  ])('does not take %j', (text) => {
    expect(isWellFormedToken(text)).toBe(false);
  });
});

describe(hashToken.name, () => {
  it('is SHA-256', () => {
    expect(hashToken('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
  });
});
