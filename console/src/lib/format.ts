// How numbers, times and texts are shown: short where one looks, exact where one points

import { written } from './exact';

const THIN = '\u202f';

/** 1.24 M: three significant digits, and what they are thousands of */
export function short(n: number | null | undefined): string {
  if (n === null || n === undefined || Number.isNaN(n)) return '–';
  if (!Number.isFinite(n)) return n > 0 ? '∞' : '−∞';
  const sign = n < 0 ? '−' : '';
  const abs = Math.abs(n);
  if (abs < 1000) return sign + (Number.isInteger(abs) ? String(abs) : significant(abs));
  const units = ['', 'k', 'M', 'G', 'T', 'P', 'E'];
  let at = Math.min(Math.floor(Math.log10(abs) / 3), units.length - 1);
  let scaled = abs / 1000 ** at;
  // 999,960 is 1 M, not 1000 k
  if (Number(scaled.toPrecision(3)) >= 1000 && at < units.length - 1) {
    at += 1;
    scaled = abs / 1000 ** at;
  }
  return sign + significant(scaled) + THIN + units[at];
}

function significant(n: number): string {
  if (n === 0) return '0';
  if (n < 0.001) return n.toExponential(1);
  if (n >= 100) return String(Math.round(n));
  return String(Number(n.toPrecision(3)));
}

/** 1,240,117: every digit */
export function exact(n: number | null | undefined): string {
  if (n === null || n === undefined) return 'not known';
  return n.toLocaleString('en-US', { maximumFractionDigits: 6 });
}

export function bytes(n: number | null | undefined): string {
  if (n === null || n === undefined) return '–';
  return short(n) + (Math.abs(n) < 1000 ? THIN : '') + 'B';
}

/** a share of one: 12.3 %; never 100 % or 0 % where something is left or is there */
export function share(x: number | null | undefined): string {
  if (x === null || x === undefined || Number.isNaN(x)) return '–';
  const percent = x * 100;
  if (percent > 0 && percent < 0.1) return '<' + THIN + '0.1' + THIN + '%';
  if (percent > 99.9 && percent < 100) return '>' + THIN + '99.9' + THIN + '%';
  return (Number.isInteger(percent) || percent >= 10 ? String(Math.floor(percent + 1e-9)) : percent.toFixed(1)) + THIN + '%';
}

const STEPS: [number, string][] = [
  [86400, 'd'],
  [3600, 'h'],
  [60, 'min'],
];

/** 4 min; 3 h 20 min; 350 ms: the two largest units that tell something */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return '–';
  if (!Number.isFinite(seconds)) return '∞';
  const sign = seconds < 0 ? '−' : '';
  let s = Math.abs(seconds);
  if (s === 0) return '0' + THIN + 's';
  if (s < 1) return sign + (s < 0.001 ? '<' + THIN + '1' : String(Math.round(s * 1000))) + THIN + 'ms';
  if (s < 10) return sign + String(Number(s.toFixed(1))) + THIN + 's';
  if (s < 60) return sign + Math.round(s) + THIN + 's';
  s = Math.round(s);
  for (const [i, [size, unit]] of STEPS.entries()) {
    if (s < size) continue;
    const whole = Math.floor(s / size);
    const next = STEPS[i + 1];
    // beyond ten of a unit the next one tells nothing
    const rest = next && whole < 10 ? Math.floor((s % size) / next[0]) : 0;
    return sign + whole + THIN + unit + (next && rest > 0 ? ' ' + rest + THIN + next[1] : '');
  }
  return sign + s + THIN + 's';
}

/** a moment of the API's, in milliseconds; null: none, or one that no calendar has */
export function moment(text: string | null | undefined): number | null {
  if (!text || text.endsWith('infinity')) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : at;
}

/** 4 min ago; in 2 h; now */
export function ago(text: string | null | undefined, now: number): string {
  if (text?.endsWith('infinity')) return text.startsWith('-') ? 'always' : 'never';
  const at = moment(text);
  if (at === null) return text ? text : '–';
  const seconds = Math.round((now - at) / 1000);
  if (Math.abs(seconds) < 5) return 'now';
  const far = Math.abs(seconds);
  const words = far < 60 ? far + THIN + 's' : coarse(far);
  return seconds > 0 ? words + ' ago' : 'in ' + words;
}

function coarse(seconds: number): string {
  for (const [size, unit] of STEPS) if (seconds >= size) return Math.floor(seconds / size) + THIN + unit;
  return seconds + THIN + 's';
}

export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** the moment itself, in the reader's zone, which is named */
export function absolute(text: string | null | undefined, timeZone: string = zone): string {
  const at = moment(text);
  if (at === null) return text ?? 'never';
  return `${clock(at, timeZone, true)} ${timeZone}`;
}

/** 2026-11-29 01:13:22 */
export function clock(at: number, timeZone: string = zone, date = false): string {
  const parts = Object.fromEntries(
    new Intl.DateTimeFormat('en-GB', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
      .formatToParts(at)
      .map((p) => [p.type, p.value]),
  );
  const time = `${parts['hour']}:${parts['minute']}:${parts['second']}`;
  return date ? `${parts['year']}-${parts['month']}-${parts['day']} ${time}` : time;
}

/** many(3, 'copy', 'copies') */
export function many(n: number, one: string, several = one + 's'): string {
  return `${short(n)} ${n === 1 ? one : several}`;
}

/** any value on one line, as text */
export function plain(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return written(value);
}

/** a name as SQL has it */
export function identifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : '"' + name.replaceAll('"', '""') + '"';
}

/** a text as SQL has it */
export function literal(text: string): string {
  const quoted = "'" + text.replaceAll("'", "''") + "'";
  return text.includes('\\') ? ' E' + quoted.replaceAll('\\', '\\\\') : quoted;
}
