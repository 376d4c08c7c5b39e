import { describe, expect, it } from 'vitest';
import { compare, exactly, Numeral, written } from '../src/lib/exact';
import { plain } from '../src/lib/format';
import { keyText } from '../src/lib/rows';

describe('numbers as they were written', () => {
  it.each(['9007199254740993', '-9223372036854775808', '1.50', '0.1000000000000000055511151231257827', '1e400', '1E3', '-0', '12345678901234567890123456789012345678901234567890'])('%s keeps its digits', (n) => {
    const row = exactly(`{"rows": [{"a": ${n}, "b": [${n}, "x"]}]}`) as { rows: { a: unknown; b: unknown[] }[] };
    expect(plain(row.rows[0]!.a)).toBe(n);
    expect(plain(row.rows[0]!.b)).toBe(`[${n},"x"]`);
    expect(written(row)).toBe(`{"rows":[{"a":${n},"b":[${n},"x"]}]}`);
  });
  it.each(['0', '7', '-12', '9007199254740991', '0.5', '1.25', '-3.75'])('%s is a number like any other', (n) => {
    expect(exactly(`[${n}, 1.50]`)).toEqual([Number(n), new Numeral('1.50')]);
  });
  it('leaves texts as they are, whatever stands in them', () => {
    for (const text of ['1.50', '"9007199254740993"', 'a\\"9007199254740993', '\u0000#9', '1'.repeat(40) + '#1', '\\', '{"a": 1.50}', 'é\u2028"\n']) {
      const said = exactly(JSON.stringify({ [text]: text, n: 1 }).replace(/1}$/, '1.50}')) as Record<string, unknown>;
      expect(said[text]).toBe(text);
      expect(said['n']).toBeInstanceOf(Numeral);
    }
  });
  it('is said again as JSON that says the same', () => {
    const value = { a: [1, 'x', null, true, {}], b: { c: 'é"\\' }, d: [] };
    expect(written(value)).toBe(JSON.stringify(value));
    expect(written(value, 2)).toBe(JSON.stringify(value, null, 2));
  });
  it('stands a text of 20 MB and what is nested', () => {
    expect((exactly(`{"n": 1.50, "t": "${'ab\\\\'.repeat(5_000_000)}"}`) as { t: string }).t).toHaveLength(15_000_000);
    expect(() => exactly('[1.50')).toThrow();
  }, 60000);
  it('makes keys of rows that are those of the rows', () => {
    expect(keyText(exactly('{"id": 9007199254740993}'))).toBe('9007199254740993');
    expect(keyText(exactly('{"a": 9007199254740993, "b": "x"}'))).toBe('{"a":9007199254740993,"b":"x"}');
  });
  it('orders them to the last digit', () => {
    const of = (t: string) => exactly(t) as number | Numeral;
    expect(compare(of('9007199254740993'), of('9007199254740992'))).toBeGreaterThan(0);
    expect(compare(of('-9007199254740993'), 5)).toBeLessThan(0);
    expect(compare(of('1.50'), 10)).toBeLessThan(0);
  });
});
