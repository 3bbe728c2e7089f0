import { parseInstant } from './parse-instant.js';

describe(parseInstant.name, () => {
  it.each([
    ['2026-11-23T08:30:00Z', '2026-11-23T08:30:00.000Z'],
    ['2026-11-23T08:30:00.1Z', '2026-11-23T08:30:00.100Z'],
    ['2026-11-23T08:30:00.123Z', '2026-11-23T08:30:00.123Z'],
    ['2026-11-23T08:30:00+01:00', '2026-11-23T07:30:00.000Z'],
    ['2026-11-23T08:30:00-05:30', '2026-11-23T14:00:00.000Z'],
    ['2026-11-23T08:30:00-00:00', '2026-11-23T08:30:00.000Z'],
    ['2026-12-31T23:30:00-01:00', '2027-01-01T00:30:00.000Z'],
    ['2026-02-28T23:59:59.999Z', '2026-02-28T23:59:59.999Z'],
    ['2028-02-29T00:00:00Z', '2028-02-29T00:00:00.000Z'],
    ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000Z'],
    ['2026-04-30T00:00:00Z', '2026-04-30T00:00:00.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ])('reads %s', (text, instant) => {
    expect(parseInstant(text)?.toISOString()).toBe(instant);
  });

  it.each([
    ['2026-11-23T08:30:00.123000Z', '2026-11-23T08:30:00.123Z'],
    ['2026-11-23T08:30:00.1230001Z', '2026-11-23T08:30:00.124Z'],
    ['2026-11-23T08:30:00.999999999Z', '2026-11-23T08:30:01.000Z'],
    ['2026-12-31T23:59:59.9995Z', '2027-01-01T00:00:00.000Z'],
  ])('rounds what is finer than a millisecond up: %s', (text, instant) => {
    expect(parseInstant(text)?.toISOString()).toBe(instant);
  });

  it.each([
    ['nothing', ''],
    ['a word', 'yesterday'],
    ['a day', '2026-11-23'],
    ['a time without an offset', '2026-11-23T08:30:00'],
    ['a time without seconds', '2026-11-23T08:30Z'],
    ['a blank for the T', '2026-11-23 08:30:00Z'],
    ['small letters', '2026-11-23t08:30:00z'],
    ['blanks around it', ' 2026-11-23T08:30:00Z '],
    ['a line break after it', '2026-11-23T08:30:00Z\n'],
    ['a point without digits', '2026-11-23T08:30:00.Z'],
    ['ten digits', '2026-11-23T08:30:00.1234567890Z'],
    ['an offset without a colon', '2026-11-23T08:30:00+0100'],
    ['an offset of hours', '2026-11-23T08:30:00+01'],
    ['an offset of a hundred hours', '2026-11-23T08:30:00+99:99'],
    ['the name of a zone', '2026-11-23T08:30:00CET'],
    ['a short year', '26-11-23T08:30:00Z'],
    ['a long year', '+012026-11-23T08:30:00Z'],
    ['a negative year', '-002026-11-23T08:30:00Z'],
    ['a week', '2026-W48-1T08:30:00Z'],
    ['seconds since 1970', '1795422600'],
    ['month 0', '2026-00-23T08:30:00Z'],
    ['month 13', '2026-13-23T08:30:00Z'],
    ['day 0', '2026-11-00T08:30:00Z'],
    ['day 32', '2026-12-32T08:30:00Z'],
    ['30 February', '2026-02-30T08:30:00Z'],
    ['29 February of a common year', '2026-02-29T08:30:00Z'],
    ['29 February of a common century', '2100-02-29T08:30:00Z'],
    ['31 April', '2026-04-31T08:30:00Z'],
    ['hour 24', '2026-11-23T24:00:00Z'],
    ['minute 60', '2026-11-23T08:60:00Z'],
    ['second 60', '2026-11-23T08:30:60Z'],
    ['what is before the year 0', '0000-01-01T00:00:00+01:00'],
    ['what is after the year 9999', '9999-12-31T23:59:59-01:00'],
    ['what rounds up to after the year 9999', '9999-12-31T23:59:59.9999Z'],
  ])('does not take %s for a time', (_what, text) => {
    expect(parseInstant(text)).toBeUndefined();
  });
});
