import { isAcceptablePassword } from './acceptable-password.js';

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
