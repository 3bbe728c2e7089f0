import { canonicalEmail } from './canonical-email.js';

const label = (length: number) => 'x'.repeat(length);
/** 64 characters before the @, and after it as many as make `length` in all. */
const addressOf = (length: number) =>
  `${label(64)}@${label(63)}.${label(63)}.${label(length - 64 - 1 - 2 * 64 - 4)}.com`;

describe(canonicalEmail.name, () => {
  it.each([
    ['ada@example.com', 'ada@example.com'],
    ['  ada@example.com\t\n', 'ada@example.com'],
    ['\u00a0\ufeffada@example.com\u3000', 'ada@example.com'],
    ['ADA@EXAMPLE.COM', 'ada@example.com'],
    ["o'brien+lists_2@mail.example.co.uk", "o'brien+lists_2@mail.example.co.uk"],
    ['ada@Bücher.example', 'ada@xn--bcher-kva.example'],
    ['ada@BU\u0308CHER.example', 'ada@xn--bcher-kva.example'],
    ['ada@XN--BCHER-KVA.example', 'ada@xn--bcher-kva.example'],
    ['ada@ｅｘａｍｐｌｅ．com', 'ada@example.com'],
    ['ada@example。com', 'ada@example.com'],
    ['ada@exam\u00adple.com', 'ada@example.com'],
    ['ada@例え.テスト', 'ada@xn--r8jz45g.xn--zckzah'],
    [addressOf(254), addressOf(254)],
  ])('takes %j for %j', (given, canonical) => {
    expect(canonicalEmail(given)).toBe(canonical);
  });

  it.each([
    '',
    '   ',
    'ada',
    'ada@',
    '@example.com',
    'ada@@example.com',
    'ada@example.com@example.org',
    'Ada <ada@example.com>',
    'ada@example.com, bob@example.com',
    'mailto:ada@example.com',
    'ada@example.com\nbcc:bob@example.com',
  ])('does not take %j, which is not one address', (given) => {
    expect(canonicalEmail(given)).toBeUndefined();
  });

  it.each([
    '"ada"@example.com',
    '"ada lovelace"@example.com',
    '"ada@home"@example.com',
    'ada(work)@example.com',
    'ada lovelace@example.com',
    '.ada@example.com',
    'ada.@example.com',
    'a..da@example.com',
    'ａda@example.com',
    '\u0430da@example.com',
    'ada\u200b@example.com',
    'a\u0301da@example.com',
    '\u0130da@example.com',
    '\u212aay@example.com',
    'ada\u0000@example.com',
    'ada\u007f@example.com',
    `${label(65)}@example.com`,
  ])('does not take %j, whose local part is quoted, not ASCII or not well-formed', (given) => {
    expect(canonicalEmail(given)).toBeUndefined();
  });

  it.each([
    'ada@localhost',
    'ada@127.0.0.1',
    'ada@0x7f.1',
    'ada@2130706433',
    'ada@[127.0.0.1]',
    'ada@[IPv6:::1]',
    'ada@example.com.',
    'ada@.example.com',
    'ada@example..com',
    'ada@-example.com',
    'ada@exam_ple.com',
    'ada@example.com:25',
    'ada@example.com/path',
    'ada@example.com?query',
    'ada@example.com#fragment',
    'ada@example.com\\path',
    'ada@ex%61mple.com',
    'ada@example.com\u0001',
    'ada@example.com／path',
    'ada@exam\ufffdple.com',
    'ada@exam\ud800ple.com',
    'ada@xn--\u00fc.com',
    `ada@${label(64)}.com`,
    addressOf(255),
  ])('does not take %j, whose domain is none', (given) => {
    expect(canonicalEmail(given)).toBeUndefined();
  });

  it('leaves alone what it returned', () => {
    const canonical = canonicalEmail(' Ada+1@BÜCHER.example ')!;
    expect(canonicalEmail(canonical)).toBe(canonical);
  });

  it('takes an address as long after its domain has become ASCII, not before', () => {
    const labels = Array.from({ length: 30 }, () => 'üöä').join('.');
    expect(`a@${labels}.com`.length).toBeLessThan(254);
    expect(canonicalEmail(`a@${labels}.com`)).toBeUndefined();
  });
});
