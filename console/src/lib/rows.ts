// Rows as the API tells of them: their keys, and how two versions differ
import { written } from './exact';
import { plain } from './format';

/** a key as an address takes it: the value, or an object of several */
export function keyText(key: unknown): string {
  const of = (key ?? {}) as Record<string, unknown>;
  const values = Object.values(of);
  return values.length === 1 ? plain(values[0]) : written(of);
}

export function differences(before: unknown, after: unknown): string[] {
  const b = (before ?? {}) as Record<string, unknown>;
  const a = (after ?? {}) as Record<string, unknown>;
  return [...new Set([...Object.keys(b), ...Object.keys(a)])].filter((k) => written(b[k] ?? null) !== written(a[k] ?? null));
}
