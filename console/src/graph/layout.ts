// Where relations stand: from left to right as data flow, each part that hangs together by itself, the same whenever it is drawn
import dagre from '@dagrejs/dagre';

export const WIDE = 200;
export const HIGH = 38;
const GAP = 14;

export interface Placed {
  x: number[];
  y: number[];
  width: number;
  height: number;
}

/** parts of a graph between which nothing flows, the largest first */
export function components(n: number, edges: readonly (readonly [number, number])[]): number[][] {
  const root = Array.from({ length: n }, (_, i) => i);
  const find = (i: number): number => {
    while (root[i] !== i) i = root[i] = root[root[i]!]!;
    return i;
  };
  for (const [a, b] of edges) root[find(a)] = find(b);
  const parts = new Map<number, number[]>();
  for (let i = 0; i < n; i++) {
    const r = find(i);
    const part = parts.get(r);
    if (part) part.push(i);
    else parts.set(r, [i]);
  }
  return [...parts.values()].sort((a, b) => b.length - a.length || a[0]! - b[0]!);
}

export function place(n: number, edges: readonly (readonly [number, number])[]): Placed {
  const x = new Array<number>(n).fill(0);
  const y = new Array<number>(n).fill(0);
  const of = new Map<number, (readonly [number, number])[]>();
  const parts = components(n, edges);
  const part = new Array<number>(n).fill(0);
  parts.forEach((nodes, p) => nodes.forEach((i) => (part[i] = p)));
  for (const e of edges) {
    const p = part[e[0]]!;
    const list = of.get(p);
    if (list) list.push(e);
    else of.set(p, [e]);
  }
  let top = 0;
  let width = 0;
  parts.forEach((nodes, p) => {
    const size = one(nodes, of.get(p) ?? [], x, y, top);
    top += size.height + GAP * 2;
    width = Math.max(width, size.width);
  });
  return { x, y, width, height: Math.max(0, top - GAP * 2) };
}

function one(nodes: number[], edges: (readonly [number, number])[], x: number[], y: number[], top: number): { width: number; height: number } {
  if (nodes.length === 1) {
    x[nodes[0]!] = 0;
    y[nodes[0]!] = top;
    return { width: WIDE, height: HIGH };
  }
  const g = new dagre.graphlib.Graph();
  // of large parts the least crossings cost more than they are worth
  g.setGraph({ rankdir: 'LR', nodesep: GAP, ranksep: 90, edgesep: 4, ranker: nodes.length > 300 ? 'longest-path' : 'network-simplex' });
  g.setDefaultEdgeLabel(() => ({}));
  for (const i of nodes) g.setNode(String(i), { width: WIDE, height: HIGH });
  for (const [a, b] of edges) if (a !== b) g.setEdge(String(a), String(b));
  dagre.layout(g);
  let width = 0;
  let height = 0;
  for (const i of nodes) {
    const at = g.node(String(i)) as { x: number; y: number };
    x[i] = Math.round(at.x - WIDE / 2);
    y[i] = Math.round(at.y - HIGH / 2 + top);
    width = Math.max(width, x[i]! + WIDE);
    height = Math.max(height, y[i]! + HIGH - top);
  }
  return { width, height };
}
