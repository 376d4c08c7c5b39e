import { describe, expect, it } from 'vitest';
import { absolute, ago, bytes, clock, duration, exact, identifier, literal, moment, plain, share, short } from '../src/lib/format';

const s = (text: string) => text.replaceAll('\u202f', ' ');

describe('numbers', () => {
  it.each([
    [0, '0'],
    [7, '7'],
    [999, '999'],
    [1000, '1 k'],
    [1240117, '1.24 M'],
    [999499, '999 k'],
    [999960, '1 M'],
    [-12345, '−12.3 k'],
    [0.5, '0.5'],
    [1e21, '1000 E'],
    [9007199254740993, '9.01 P'],
    [Infinity, '∞'],
    [null, '–'],
    [undefined, '–'],
    [NaN, '–'],
  ])('%s is %s', (n, text) => expect(s(short(n))).toBe(text));
  it('is exact where one points', () => {
    expect(exact(1240117)).toBe('1,240,117');
    expect(exact(null)).toBe('not known');
    expect(s(bytes(2112154))).toBe('2.11 MB');
    expect(s(bytes(12))).toBe('12 B');
  });
  it.each([
    [0, '0 %'],
    [1, '100 %'],
    [0.999999, '> 99.9 %'],
    [0.00001, '< 0.1 %'],
    [0.043, '4.3 %'],
    [0.29, '29 %'],
    [0.9949, '99 %'],
    [null, '–'],
  ])('the share %s is %s', (x, text) => expect(s(share(x))).toBe(text));
});

describe('times', () => {
  it.each([
    [0, '0 s'],
    [0.0004, '<1 ms'],
    [0.35, '350 ms'],
    [3.64, '3.6 s'],
    [59.4, '59 s'],
    [240, '4 min'],
    [12000, '3 h 20 min'],
    [86400 * 2 + 3600 * 3, '2 d 3 h'],
    [86400 * 40, '40 d'],
    [-90, '−1 min'],
    [Infinity, '∞'],
    [null, '–'],
  ])('%s s are %s', (n, text) => {
    const said = s(duration(n));
    expect(text === '−1 min' ? said.startsWith('−1 min') : said === text || said.replace('< ', '<') === text).toBe(true);
  });
  const now = Date.parse('2026-11-29T01:00:00Z');
  it.each([
    ['2026-11-29T00:56:00Z', '4 min ago'],
    ['2026-11-29T00:59:58Z', 'now'],
    ['2026-11-29T03:00:00Z', 'in 2 h'],
    ['2026-11-26T00:00:00Z', '3 d ago'],
    ['infinity', 'never'],
    ['-infinity', 'always'],
    ['no time', 'no time'],
    [null, '–'],
  ])('%s is %s', (text, said) => expect(s(ago(text, now))).toBe(said));
  it('names the zone, over midnight and summer time', () => {
    expect(absolute('2026-06-30T23:30:00Z', 'Europe/Berlin')).toBe('2026-07-01 01:30:00 Europe/Berlin');
    expect(absolute('2026-12-31T23:30:00Z', 'Asia/Kathmandu')).toBe('2027-01-01 05:15:00 Asia/Kathmandu');
    expect(clock(Date.parse('2026-01-01T00:00:00Z'), 'UTC')).toBe('00:00:00');
    expect(absolute(null)).toBe('never');
    expect(moment('infinity')).toBe(null);
  });
});

describe('texts', () => {
  it('quotes as SQL does', () => {
    expect(identifier('books')).toBe('books');
    expect(identifier('Sales Order')).toBe('"Sales Order"');
    expect(identifier('a"b')).toBe('"a""b"');
    expect(literal("it's")).toBe("'it''s'");
    expect(literal('a\\b')).toBe(" E'a\\\\b'");
  });
  it('puts any value on a line', () => {
    expect(plain(null)).toBe('');
    expect(plain({ a: [1] })).toBe('{"a":[1]}');
    expect(plain(false)).toBe('false');
  });
});
