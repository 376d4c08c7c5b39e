// Numbers as they were written: what JavaScript would round, or write otherwise, keeps its digits

/** a number that is not the same as a double: 9007199254740993, 1.50, 1e400 */
export class Numeral {
  constructor(readonly text: string) {}
  toString(): string {
    return this.text;
  }
  /** in a comparison by its text; written() has it as a number */
  toJSON(): string {
    return this.text;
  }
  valueOf(): number {
    return Number(this.text);
  }
}

// what may differ: sixteen digits, a point, an exponent, a zero with a sign
const DOUBTFUL = /\d{16}|\d[.eE]|-0/;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** where the string that begins at `from` ends: no pattern, which would remember each character of a long one */
function behind(text: string, from: number): number {
  for (let at = from + 1; ; at++) {
    at = text.indexOf('"', at);
    if (at < 0) return text.length;
    let escapes = 0;
    while (text[at - 1 - escapes] === '\\') escapes++;
    if (escapes % 2 === 0) return at + 1;
  }
}

/** JSON, in which numbers that a double does not give back as they were are Numerals */
export function exactly(text: string): unknown {
  if (!DOUBTFUL.test(text)) return JSON.parse(text);
  // no text of anybody's can know what marks them
  const mark = `${crypto.getRandomValues(new Uint32Array(4)).join('')}#`;
  const parts: string[] = [];
  let found = false;
  for (let at = 0; at < text.length; ) {
    const quote = text.indexOf('"', at);
    const end = quote < 0 ? text.length : quote;
    parts.push(
      text.slice(at, end).replace(NUMBER, (n) => {
        if (String(Number(n)) === n) return n;
        found = true;
        return `"${mark}${n}"`;
      }),
    );
    if (quote < 0) break;
    at = behind(text, quote);
    parts.push(text.slice(quote, at));
  }
  if (!found) return JSON.parse(text);
  return JSON.parse(parts.join(''), (_, v: unknown) => (typeof v === 'string' && v.startsWith(mark) ? new Numeral(v.slice(mark.length)) : v));
}

/** JSON of it again, every digit as it came */
export function written(value: unknown, indent = 0, depth = 0): string {
  if (value instanceof Numeral) return value.text;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const many = Array.isArray(value);
  const parts = many ? value.map((v) => written(v, indent, depth + 1)) : Object.entries(value).filter(([, v]) => v !== undefined).map(([k, v]) => `${JSON.stringify(k)}:${indent ? ' ' : ''}${written(v, indent, depth + 1)}`);
  const [open, close] = many ? '[]' : '{}';
  if (!parts.length) return open! + close!;
  if (!indent) return open + parts.join() + close;
  const line = '\n' + ' '.repeat(indent * (depth + 1));
  return open + line + parts.join(',' + line) + '\n' + ' '.repeat(indent * depth) + close;
}

/** which of two numbers, as doubles or as written, is the greater one: to every digit where both are whole */
export function compare(a: number | Numeral, b: number | Numeral): number {
  const [x, y] = [String(a), String(b)];
  if (/^-?\d+$/.test(x) && /^-?\d+$/.test(y)) {
    const [m, n] = [BigInt(x), BigInt(y)];
    return m < n ? -1 : m > n ? 1 : 0;
  }
  return Number(x) - Number(y);
}
