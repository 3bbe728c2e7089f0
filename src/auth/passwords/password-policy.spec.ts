import { isAcceptablePassword, isGuessable } from './password-policy.js';

const POPCORN = '🍿';

describe(isAcceptablePassword.name, () => {
  it.each([
    ['eight characters', '12345678'],
    ['nothing but spaces, which are characters too', ' '.repeat(8)],
    ['eight characters of four bytes each', POPCORN.repeat(8)],
    ['256 characters', 'x'.repeat(256)],
    ['256 characters of four bytes each', POPCORN.repeat(256)],
    ['256 characters that came as 512', 'e\u0301'.repeat(256)],
    ['256 characters that came as 1024', '\u03b1\u0313\u0300\u0345'.repeat(256)],
    ['control characters', 'tab\tand\nnewline'],
  ])('accepts %s', (_what, password) => {
    expect(isAcceptablePassword(password)).toBe(true);
  });

  it.each([
    ['nothing', ''],
    ['seven characters', '1234567'],
    ['seven characters in 28 bytes', POPCORN.repeat(7)],
    ['seven characters that came as fourteen', 'e\u0301'.repeat(7)],
    ['257 characters', 'x'.repeat(257)],
    ['257 characters of four bytes each', POPCORN.repeat(257)],
    ['257 characters that came as 1028', '\u03b1\u0313\u0300\u0345'.repeat(257)],
    ['half a character', `12345678${POPCORN[0]}`],
    ['a number', 12_345_678],
    ['a list', ['1', '2', '3', '4', '5', '6', '7', '8']],
    ['null', null],
    ['nothing at all', undefined],
  ])('refuses %s', (_what, password) => {
    expect(isAcceptablePassword(password)).toBe(false);
  });
});

describe(isGuessable.name, () => {
  it.each([
    ['one of the most common', '12345678', undefined],
    ['one of them in capitals', 'PASSWORD', undefined],
    ['the e-mail address', 'ada@example.com', 'ada@example.com'],
    ['the e-mail address in capitals', 'Ada@Example.COM', 'ada@example.com'],
    [
      'the e-mail address with its domain as people write it',
      'ada@bücher.example',
      'ada@xn--bcher-kva.example',
    ],
    ['its local part', 'Ada.Lovelace', 'ada.lovelace@example.com'],
  ])('finds %s', async (_what, password, email) => {
    expect(await isGuessable(password, email)).toBe(true);
  });

  it.each([
    ['a phrase', 'correct horse battery staple', 'ada@example.com'],
    ['a common one with more', 'password of paper', 'ada@example.com'],
    ['a common one with spaces around it', ' 12345678 ', 'ada@example.com'],
    ["somebody else's e-mail address", 'ada.lovelace@example.com', 'ben@example.com'],
    ['an e-mail address where nobody is known', 'ada.lovelace@example.com', undefined],
    ['the domain', 'example.com', 'ada@example.com'],
  ])('lets pass %s', async (_what, password, email) => {
    expect(await isGuessable(password, email)).toBe(false);
  });
});
