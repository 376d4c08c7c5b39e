// Where relations stand: from left to right as data flow, each part that hangs together by itself, the same whenever it is drawn
import dagre from '@dagrejs/dagre';

export const WIDE = 184;
export const HIGH = 38;
const GAP = 14;
const BETWEEN = 64;
const MOST = 40;

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
    // what dagre does takes its time with the square of a part's size
    const size = (nodes.length > MOST ? layered : one)(nodes, of.get(p) ?? [], x, y, top);
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
  g.setGraph({ rankdir: 'LR', nodesep: GAP, ranksep: BETWEEN, edgesep: 4, ranker: 'network-simplex' });
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

/** large parts: each as far to the right as what it is made of makes it, beside the middle of its neighbours */
function layered(nodes: number[], edges: (readonly [number, number])[], x: number[], y: number[], top: number): { width: number; height: number } {
  const into = new Map<number, number[]>(nodes.map((i) => [i, []]));
  const out = new Map<number, number[]>(nodes.map((i) => [i, []]));
  for (const [a, b] of edges) {
    if (a === b) continue;
    into.get(b)!.push(a);
    out.get(a)!.push(b);
  }
  const rank = ranks(nodes, into, out);
  const layers: number[][] = [];
  for (const i of nodes) (layers[rank.get(i)!] ??= []).push(i);
  const at = new Map<number, number>();
  const number = (layer: number[]) => layer.forEach((i, n) => at.set(i, n));
  layers.forEach(number);
  for (let sweep = 0; sweep < 8; sweep++) {
    const down = sweep % 2 === 0;
    const order = down ? layers : [...layers].reverse();
    for (const layer of order) {
      const middle = new Map(layer.map((i) => [i, mean((down ? into : out).get(i)!, at) ?? at.get(i)!]));
      layer.sort((a, b) => middle.get(a)! - middle.get(b)! || a - b);
      number(layer);
    }
  }
  // from what all of a layer would like to be, as near as there is room
  const step = HIGH + GAP;
  const place = new Map<number, number>();
  let width = 0;
  let least = Infinity;
  let most = -Infinity;
  layers.forEach((layer, r) => {
    const wish = layer.map((i, n) => mean(into.get(i)!, place) ?? n * step);
    let last = -Infinity;
    wish.forEach((w, n) => {
      last = Math.max(w, last + step);
      place.set(layer[n]!, last);
    });
    // what was pushed down goes back as a whole by the half of it
    const shift = wish.reduce((sum, w, n) => sum + w - place.get(layer[n]!)!, 0) / (layer.length || 1);
    for (const i of layer) {
      const to = Math.round(place.get(i)! + shift);
      place.set(i, to);
      least = Math.min(least, to);
      most = Math.max(most, to);
      x[i] = r * (WIDE + BETWEEN);
      width = Math.max(width, x[i]! + WIDE);
    }
  });
  for (const i of nodes) y[i] = place.get(i)! - least + top;
  return { width, height: most - least + HIGH };
}

function mean(of: number[], at: Map<number, number>): number | null {
  let sum = 0;
  let n = 0;
  for (const i of of) {
    const v = at.get(i);
    if (v === undefined) continue;
    sum += v;
    n++;
  }
  return n ? sum / n : null;
}

/** the longest way to each; a circle is cut where it was entered */
function ranks(nodes: number[], into: Map<number, number[]>, out: Map<number, number[]>): Map<number, number> {
  const rank = new Map<number, number>();
  const open = new Map(nodes.map((i) => [i, into.get(i)!.length]));
  let next = nodes.filter((i) => open.get(i) === 0);
  const left = new Set(nodes);
  while (left.size) {
    if (!next.length) next = [left.values().next().value as number];
    const now = next;
    next = [];
    for (const i of now) {
      if (!left.delete(i)) continue;
      rank.set(i, Math.max(0, ...into.get(i)!.map((p) => (rank.has(p) ? rank.get(p)! + 1 : 0))));
      for (const o of out.get(i)!) {
        open.set(o, open.get(o)! - 1);
        if (open.get(o)! <= 0 && left.has(o)) next.push(o);
      }
    }
  }
  return rank;
}
