import { describe, expect, it } from 'vitest';
import { components, HIGH, place, WIDE } from '../src/graph/layout';

declare const process: { cpuUsage: () => { user: number } };
type Edge = [number, number];
/** a random graph that is the same each time */
function made(n: number, per: number): Edge[] {
  let seed = 42;
  const next = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
  const edges: Edge[] = [];
  for (let i = 1; i < n; i++) for (let k = 0; k < per; k++) if (next() < 0.8) edges.push([Math.floor(next() * i), i]);
  return edges;
}

describe('layout', () => {
  it('finds what hangs together', () => {
    expect(components(5, [[0, 1], [3, 4], [1, 4]]).map((c) => c.length)).toEqual([4, 1]);
    expect(components(0, [])).toEqual([]);
  });
  it('goes from left to right, and nothing lies on another', () => {
    const edges: Edge[] = [[0, 1], [1, 2], [3, 2], [2, 4], [5, 6]];
    const { x, y, width, height } = place(8, edges);
    for (const [a, b] of edges) expect(x[b]!).toBeGreaterThanOrEqual(x[a]! + WIDE);
    for (let i = 0; i < 8; i++)
      for (let j = 0; j < i; j++) expect(Math.abs(x[i]! - x[j]!) >= WIDE || Math.abs(y[i]! - y[j]!) >= HIGH).toBe(true);
    for (let i = 0; i < 8; i++) {
      expect(x[i]! + WIDE).toBeLessThanOrEqual(width);
      expect(y[i]! + HIGH).toBeLessThanOrEqual(height);
    }
  });
  it('is the same whenever it is drawn', () => {
    const edges = made(120, 1);
    expect(place(120, edges)).toEqual(place(120, edges));
  });
  it('stands circles and flows into itself', () => {
    expect(place(3, [[0, 1], [1, 0], [2, 2]]).x).toHaveLength(3);
  });
  it('lays out 2,000 relations at once, from left to right, and nothing lies on another', () => {
    const edges = made(2000, 1);
    // by its CPU time, which other work on the machine does not change
    const begun = process.cpuUsage().user;
    const { x, y } = place(2000, edges);
    const took = (process.cpuUsage().user - begun) / 1000;
    for (const [a, b] of edges) expect(x[b]!).toBeGreaterThanOrEqual(x[a]! + WIDE);
    const seen = new Map<number, number[]>();
    x.forEach((at, i) => seen.set(at, [...(seen.get(at) ?? []), y[i]!]));
    for (const column of seen.values()) column.sort((a, b) => a - b).forEach((at, n) => n && expect(at - column[n - 1]!).toBeGreaterThanOrEqual(HIGH));
    expect(place(2000, edges).y).toEqual(y);
    expect(took).toBeLessThan(10000);
  }, 60000);
  it('stands circles in large parts', () => {
    const edges = made(600, 1);
    expect(place(600, [...edges, [599, 0], [300, 300]]).x.every(Number.isFinite)).toBe(true);
  });
});
