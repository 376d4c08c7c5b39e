// From sources to views: what comes from where, and what breaks if it goes
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { call, list } from '../lib/api';
import { duration, identifier, many, short } from '../lib/format';
import { useQuery } from '../lib/query';
import { link, param, setQuery } from '../lib/router';
import { Badge, Behind, Empty, Filter, Sql, State, Waiting, Wrong, type Tone } from '../ui/bits';
import { Table, useLocal, type Col } from '../ui/table';
import { HIGH, WIDE, type Placed } from '../graph/layout';
import { tableOf } from './table';

export interface Node {
  object: string;
  schema: string;
  table: string;
  kind: 'source' | 'foreign' | 'copy' | 'view' | 'other';
  table_id: number | null;
  source_id: number | null;
  sync: string | null;
  state: string | null;
  fresh: boolean | null;
  age_seconds: number | null;
  alerts: number;
  rows: number | null;
}
interface Map_ {
  nodes: Node[];
  edges: [number, number, string][];
}
interface Flow {
  distance: number;
  from_object: string;
  to_object: string;
  kind: string;
}
interface View {
  x: number;
  y: number;
  k: number;
}

const KINDS: Record<Node['kind'], string> = { source: 'at the source', foreign: 'foreign table', copy: 'copy', view: 'view', other: 'outside' };
const LINE = 20;

function toneOf(n: Node): Tone {
  if (n.state === 'stopped') return 'bad';
  if (n.fresh === false) return 'bad';
  if (n.alerts > 0) return 'warn';
  if (n.kind !== 'copy') return 'idle';
  return n.state === 'active' ? 'ok' : 'idle';
}

function useLayout(map: Map_ | undefined): Placed | null {
  const [placed, setPlaced] = useState<Placed | null>(null);
  const shape = map ? `${map.nodes.map((n) => n.object).join()}|${map.edges.map((e) => e.slice(0, 2).join('-')).join()}` : '';
  useEffect(() => {
    if (!map) return;
    const worker = new Worker(new URL('../graph/worker.ts', import.meta.url), { type: 'module' });
    worker.onmessage = (e: MessageEvent<Placed>) => {
      setPlaced(e.data);
      worker.terminate();
    };
    worker.postMessage({ n: map.nodes.length, edges: map.edges.map(([a, b]) => [a, b]) });
    return () => worker.terminate();
  }, [shape]);
  return placed;
}

export function Lineage() {
  const map = useQuery('lineage', (stop) => call('/v1/lineage/map', {}, {} as never, stop) as Promise<Map_>, { every: 60, on: ['ingest.sync.created', 'ingest.table.', 'ingest.alert.'] });
  const placed = useLayout(map.data);
  if (map.problem && !map.data) return <Wrong problem={map.problem} retry={map.reload} />;
  if (!map.data) return <Waiting lines={8} />;
  if (!map.data.nodes.length)
    return (
      <section class="panel">
        <Empty title="Nothing flows yet">
          <p>Lineage is recorded when sources are crawled and copies are made; views are read from the catalogue. Other flows can be added:</p>
          <Sql text="SELECT ingest.set_lineage('mart.sales', 'bi.monthly_report', kind => 'dashboard');" />
        </Empty>
      </section>
    );
  if (!placed || placed.x.length !== map.data.nodes.length) return <Waiting lines={8} />;
  return <Graph map={map.data} placed={placed} />;
}

/** an object of three parts is a column */
function columnOf(object: string): string | null {
  const found = object.match(/("(?:[^"]|"")*"|[^."]+)/g) ?? [];
  return found.length > 2 ? found[2]! : null;
}
const bare = (name: string) => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name);

function Graph({ map, placed }: { map: Map_; placed: Placed }) {
  const stage = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const layer = useRef<HTMLDivElement>(null);
  const view = useRef<View>({ x: 0, y: 0, k: 1 });
  const [visible, setVisible] = useState<number[]>([]);
  const q = param('q').toLowerCase();
  const object = param('object');
  const chosen = tableOf(object);
  const column = columnOf(object);
  const at = useMemo(() => new Map(map.nodes.map((n, i) => [n.object, i])), [map]);
  const flows = useQuery('flows of 50 ' + object, (stop) => call('/v1/lineage', {}, { object, depth: 50 } as never, stop) as unknown as Promise<Flow[]>, { off: !object });

  // what is on the way of what is chosen: relations, the edges between them, and of a column those that it is made of
  const path = useMemo(() => {
    if (!object || !flows.data) return null;
    const nodes = new Set<string>([chosen]);
    const edges = new Set<string>();
    const columns = new Map<string, Set<string>>();
    const add = (o: string) => {
      const c = columnOf(o);
      if (!c) return;
      const t = tableOf(o);
      if (!columns.has(t)) columns.set(t, new Set());
      columns.get(t)!.add(c);
    };
    for (const f of flows.data) {
      nodes.add(tableOf(f.from_object)).add(tableOf(f.to_object));
      edges.add(`${tableOf(f.from_object)}>${tableOf(f.to_object)}`);
      if (column) {
        add(f.from_object);
        add(f.to_object);
      }
    }
    if (column) add(object);
    return { nodes, edges, columns };
  }, [object, flows.data]);

  const own = useQuery(
    'columns of ' + chosen,
    async (stop): Promise<string[]> => {
      const node = map.nodes[at.get(chosen) ?? -1];
      if (node?.table_id) return (await list('columns', { select: ['name'], where: { table_id: `eq.${node.table_id}`, gone_at: 'is.null' }, order: 'position', limit: 500 }, stop)).map((c) => identifier(c.name ?? ''));
      const found = new Set<string>();
      for (const f of await (call('/v1/lineage', {}, { object: chosen, depth: 1 } as never, stop) as unknown as Promise<Flow[]>))
        for (const o of [f.from_object, f.to_object]) if (tableOf(o) === chosen && columnOf(o)) found.add(columnOf(o)!);
      return [...found].sort();
    },
    { off: !chosen },
  );
  const columnsOf = (n: Node): string[] => {
    const onPath = [...(path?.columns.get(n.object) ?? [])];
    // of a column that is chosen the way is shown, of a table all that it has
    if (n.object !== chosen || column) return onPath;
    const all = own.data ?? [];
    return [...all, ...onPath.filter((c) => !all.includes(c))];
  };

  const matches = (n: Node) => !q || n.object.toLowerCase().includes(q);
  const dimmed = (n: Node) => (path ? !path.nodes.has(n.object) : false) || !matches(n);

  const draw = () => {
    const c = canvas.current;
    const s = stage.current;
    if (!c || !s || !layer.current) return;
    const { x, y, k } = view.current;
    const w = s.clientWidth;
    const h = s.clientHeight;
    const dpr = devicePixelRatio || 1;
    if (c.width !== Math.round(w * dpr) || c.height !== Math.round(h * dpr)) {
      c.width = Math.round(w * dpr);
      c.height = Math.round(h * dpr);
    }
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const ctx = c.getContext('2d')!;
    ctx.setTransform(dpr, 0, 0, dpr, 0, 0);
    ctx.clearRect(0, 0, w, h);
    ctx.setTransform(dpr * k, 0, 0, dpr * k, dpr * x, dpr * y);
    const left = -x / k;
    const top = -y / k;
    const right = (w - x) / k;
    const bottom = (h - y) / k;
    const line = colour('--line-strong');
    const accent = colour('--accent');
    const passes: [boolean, string, number][] = [
      [false, line, 1],
      [true, accent, 2],
    ];
    for (const [wanted, stroke, width] of passes) {
      ctx.strokeStyle = stroke;
      ctx.lineWidth = width / Math.max(k, 0.4);
      ctx.beginPath();
      for (const [a, b, kind] of map.edges) {
        const on = !!path?.edges.has(`${map.nodes[a]!.object}>${map.nodes[b]!.object}`);
        if (on !== wanted) continue;
        if (kind === 'foreign key') continue;
        const x1 = placed.x[a]! + WIDE;
        const x2 = placed.x[b]!;
        const y1 = placed.y[a]! + HIGH / 2;
        const y2 = placed.y[b]! + HIGH / 2;
        if (Math.max(x1, x2) < left || Math.min(x1, x2) > right || Math.max(y1, y2) < top || Math.min(y1, y2) > bottom) continue;
        const bend = Math.max(30, (x2 - x1) / 2);
        ctx.moveTo(x1, y1);
        ctx.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
      }
      ctx.globalAlpha = path && !wanted ? 0.35 : 1;
      ctx.stroke();
      ctx.globalAlpha = 1;
    }
    // from afar nodes are drawn; near by they are part of the page, so that they can be reached and read
    const near = k >= 0.5;
    const seen: number[] = [];
    const fills: Record<Tone, string> = { ok: colour('--ok-fill'), warn: colour('--warn-fill'), bad: colour('--bad-fill'), idle: colour('--idle-fill'), busy: colour('--busy-fill') };
    const raised = colour('--raised');
    const text = colour('--text');
    ctx.font = '13px system-ui, sans-serif';
    ctx.textBaseline = 'middle';
    for (let i = 0; i < map.nodes.length; i++) {
      const nx = placed.x[i]!;
      const ny = placed.y[i]!;
      if (nx > right + 40 || nx + WIDE < left - 40 || ny > bottom + 40 || ny + HIGH + 400 < top) continue;
      if (near) {
        seen.push(i);
        continue;
      }
      const n = map.nodes[i]!;
      ctx.globalAlpha = dimmed(n) ? 0.25 : 1;
      ctx.fillStyle = raised;
      ctx.strokeStyle = n.object === chosen ? accent : line;
      ctx.lineWidth = (n.object === chosen ? 2 : 1) / Math.max(k, 0.3);
      ctx.beginPath();
      ctx.rect(nx, ny, WIDE, HIGH);
      ctx.fill();
      ctx.stroke();
      ctx.fillStyle = fills[toneOf(n)];
      ctx.fillRect(nx, ny, 8, HIGH);
      if (k > 0.28) {
        ctx.fillStyle = text;
        ctx.fillText(n.table.length > 24 ? n.table.slice(0, 23) + '…' : n.table, nx + 16, ny + HIGH / 2);
      }
      ctx.globalAlpha = 1;
    }
    layer.current.style.transform = `translate(${x}px, ${y}px) scale(${k})`;
    setVisible((v) => (v.length === seen.length && v.every((n, i) => n === seen[i]) ? v : seen));
  };
  const drawing = useRef(draw);
  drawing.current = draw;
  const frame = useRef(0);
  const soon = () => {
    cancelAnimationFrame(frame.current);
    frame.current = requestAnimationFrame(() => drawing.current());
  };
  useEffect(soon);

  const fit = (nodes?: number[]) => {
    const s = stage.current;
    if (!s) return;
    const of = nodes?.length ? nodes : map.nodes.map((_, i) => i);
    let [l, t, r, b] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const i of of) {
      l = Math.min(l, placed.x[i]!);
      t = Math.min(t, placed.y[i]!);
      r = Math.max(r, placed.x[i]! + WIDE);
      b = Math.max(b, placed.y[i]! + HIGH);
    }
    const k = Math.max(0.04, Math.min(1, (s.clientWidth - 40) / (r - l || 1), (s.clientHeight - 40) / (b - t || 1)));
    view.current = { k, x: (s.clientWidth - (l + r) * k) / 2, y: (s.clientHeight - (t + b) * k) / 2 };
    soon();
  };
  const near = (i: number) => {
    const s = stage.current!;
    const k = Math.max(view.current.k, 0.8);
    view.current = { k, x: s.clientWidth / 2 - (placed.x[i]! + WIDE / 2) * k, y: s.clientHeight / 2 - (placed.y[i]! + HIGH / 2) * k };
    soon();
  };
  const zoom = (by: number, px?: number, py?: number) => {
    const s = stage.current!;
    const cx = px ?? s.clientWidth / 2;
    const cy = py ?? s.clientHeight / 2;
    const v = view.current;
    const k = Math.max(0.04, Math.min(2, v.k * by));
    view.current = { k, x: cx - ((cx - v.x) / v.k) * k, y: cy - ((cy - v.y) / v.k) * k };
    soon();
  };

  // where one looks at first: what is chosen with its neighbours, or as much as can be read
  useLayoutEffect(() => {
    const i = at.get(chosen);
    if (i !== undefined) near(i);
    else {
      fit();
      // rather a part that can be read than all of it
      if (view.current.k < 0.75 && map.nodes.length < 400) {
        view.current = { k: 0.75, x: 16, y: 16 };
        soon();
      }
    }
    const s = stage.current!;
    const wheel = (e: WheelEvent) => {
      e.preventDefault();
      const box = s.getBoundingClientRect();
      if (e.ctrlKey || e.metaKey) zoom(Math.exp(-e.deltaY / 200), e.clientX - box.left, e.clientY - box.top);
      else {
        view.current.x -= e.deltaX;
        view.current.y -= e.deltaY;
        soon();
      }
    };
    s.addEventListener('wheel', wheel, { passive: false });
    const watch = new ResizeObserver(soon);
    watch.observe(s);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', soon);
    return () => {
      s.removeEventListener('wheel', wheel);
      watch.disconnect();
      dark.removeEventListener('change', soon);
    };
  }, [placed]);

  // a column's way is brought into sight as soon as it is known
  const shown = useRef('');
  useEffect(() => {
    if (!column || !path || shown.current === object) return;
    shown.current = object;
    fit(map.nodes.map((_, i) => i).filter((i) => path.nodes.has(map.nodes[i]!.object)));
  }, [path, object]);

  const held = useRef<{ x: number; y: number; moved: boolean } | null>(null);
  const choose = (o: string | null) => setQuery({ object: o, breaks: null }, true);
  const node = map.nodes[at.get(chosen) ?? -1];

  return (
    <>
      <div class="bar-of">
        <Filter label="Filter relations" />
        <span class="muted small">{many(map.nodes.length, 'relation')}, {many(map.edges.length, 'flow')}. Drag to move, ctrl and the wheel to zoom.</span>
      </div>
      <div class="graph">
        <div
          class="stage"
          ref={stage}
          onPointerDown={(e) => {
            if ((e.target as HTMLElement).closest('.node, .graph-tools')) return;
            held.current = { x: e.clientX, y: e.clientY, moved: false };
            e.currentTarget.setPointerCapture(e.pointerId);
            e.currentTarget.classList.add('held');
          }}
          onPointerMove={(e) => {
            const h = held.current;
            if (!h) return;
            if (Math.abs(e.clientX - h.x) + Math.abs(e.clientY - h.y) > 3) h.moved = true;
            view.current.x += e.clientX - h.x;
            view.current.y += e.clientY - h.y;
            h.x = e.clientX;
            h.y = e.clientY;
            soon();
          }}
          onPointerUp={(e) => {
            const h = held.current;
            held.current = null;
            e.currentTarget.classList.remove('held');
            if (!h || h.moved) return;
            // from afar a node is a picture
            const box = e.currentTarget.getBoundingClientRect();
            const { x, y, k } = view.current;
            const px = (e.clientX - box.left - x) / k;
            const py = (e.clientY - box.top - y) / k;
            const hit = map.nodes.findIndex((_, i) => px >= placed.x[i]! && px <= placed.x[i]! + WIDE && py >= placed.y[i]! && py <= placed.y[i]! + HIGH);
            if (hit >= 0) choose(map.nodes[hit]!.object);
            else if (object) choose(null);
          }}
        >
          <canvas ref={canvas} role="img" aria-label={`Lineage of ${map.nodes.length} relations; the list beside it has them as text`} />
          <div class="nodes" ref={layer}>
            {visible.map((i) => {
              const n = map.nodes[i];
              if (!n) return null;
              const columns = columnsOf(n);
              const on = n.object === chosen;
              return (
                <div key={n.object} class={'node' + (on ? ' on' : '') + (dimmed(n) ? ' dim' : '')} style={{ left: `${placed.x[i]}px`, top: `${placed.y[i]}px`, zIndex: on ? 3 : columns.length ? 2 : 1 }}>
                  <button type="button" title={n.object} aria-pressed={on} onClick={() => choose(on && !column ? null : n.object)}>
                    <State tone={toneOf(n)}>
                      <span class="hidden">{toneOf(n) === 'bad' ? 'late' : toneOf(n) === 'warn' ? 'alert' : ''}</span>
                    </State>
                    <span class="name">
                      <b>{n.table}</b>
                      <small>{n.schema}</small>
                    </span>
                    {n.alerts > 0 && <Badge tone="bad" title={many(n.alerts, 'open alert')}>{n.alerts}</Badge>}
                  </button>
                  {columns.length > 0 && (
                    <ul>
                      {columns.slice(0, 40).map((c) => (
                        <li key={c} style={{ height: `${LINE}px` }}>
                          <button type="button" class={path?.columns.get(n.object)?.has(c) ? 'path' : ''} title={bare(c)} onClick={() => choose(`${n.object}.${c}`)}>
                            {bare(c)}
                          </button>
                        </li>
                      ))}
                    </ul>
                  )}
                </div>
              );
            })}
          </div>
          <div class="graph-tools">
            <button type="button" aria-label="Zoom in" onClick={() => zoom(1.3)}>
              +
            </button>
            <button type="button" aria-label="Zoom out" onClick={() => zoom(1 / 1.3)}>
              −
            </button>
            <button type="button" onClick={() => fit(path ? map.nodes.map((_, i) => i).filter((i) => path.nodes.has(map.nodes[i]!.object)) : undefined)}>
              Fit
            </button>
          </div>
        </div>
        <div class="graph-side" tabIndex={0} role="region" aria-label="What is chosen">
          {object ? <Chosen object={object} node={node} flows={flows.data} problem={flows.problem} columns={own.data ?? []} choose={choose} /> : <List nodes={map.nodes.filter(matches)} choose={(o) => (choose(o), near(at.get(o)!))} />}
        </div>
      </div>
    </>
  );
}

function List({ nodes, choose }: { nodes: Node[]; choose: (object: string) => void }) {
  const cols: Col<Node>[] = [{ id: 'object', head: 'Relation', cell: (n) => <span class="plain"><State tone={toneOf(n)} title={`${n.object}: ${KINDS[n.kind]}`}>{n.object}</State></span>, by: (n) => n.object }];
  const rows = useLocal(nodes, cols);
  return <Table label="Relations" cols={cols} rows={rows} open={(n) => choose(n.object)} key_={(n) => n.object} most={60} empty={<p class="none">No relation is called so.</p>} />;
}

function Chosen({ object, node, flows, problem, columns, choose }: { object: string; node: Node | undefined; flows: Flow[] | undefined; problem: Parameters<typeof Wrong>[0]['problem'] | undefined; columns: string[]; choose: (object: string | null) => void }) {
  const column = columnOf(object);
  const table = tableOf(object);
  // what is made of it, by how far that is
  const after = new Map<string, { distance: number; columns: Set<string>; kinds: Set<string> }>();
  const before = new Map<string, number>();
  for (const f of flows ?? []) {
    if (f.distance > 0) {
      const t = tableOf(f.to_object);
      if (t === table) continue;
      const known = after.get(t) ?? { distance: f.distance, columns: new Set<string>(), kinds: new Set<string>() };
      known.distance = Math.min(known.distance, f.distance);
      known.kinds.add(f.kind);
      const c = columnOf(f.to_object);
      if (c) known.columns.add(bare(c));
      after.set(t, known);
    } else {
      const t = tableOf(f.from_object);
      if (t !== table) before.set(t, Math.min(before.get(t) ?? Infinity, -f.distance));
    }
  }
  const broken = [...after].sort((a, b) => a[1].distance - b[1].distance || a[0].localeCompare(b[0]));
  return (
    <div class="pad" style={{ display: 'grid', gap: '10px', paddingTop: '10px' }}>
      <div class="row">
        <b class="grow" style={{ overflowWrap: 'anywhere' }}>{object}</b>
        <button type="button" class="quiet small" aria-label="Close" onClick={() => choose(null)}>
          ✕
        </button>
      </div>
      {node && (
        <div class="row small">
          <Badge>{KINDS[node.kind]}</Badge>
          {node.kind === 'copy' && <State tone={toneOf(node)}>{node.fresh === false ? 'late' : node.state === 'active' ? duration(node.age_seconds) + ' old' : (node.state ?? '')}</State>}
          {node.rows !== null && <span class="muted">{short(node.rows)} rows</span>}
          {node.alerts > 0 && <Badge tone="bad">{many(node.alerts, 'alert')}</Badge>}
          {node.table_id && <a href={link`/tables/${node.table_id}` + (column ? '?col=' + encodeURIComponent(bare(column)) : '')}>Open</a>}
        </div>
      )}
      {problem && <Wrong problem={problem} />}
      <section aria-label="What breaks">
        <h2 class="small">{column ? 'What breaks if this column goes' : 'What breaks if it goes'}</h2>
        {!flows ? (
          problem ? null : <Waiting />
        ) : broken.length ? (
          <ol class="breaks">
            {broken.map(([t, how]) => (
              <li key={t}>
                <button type="button" class="linklike" onClick={() => choose(t)}>
                  {t}
                </button>
                <span class="muted small">
                  {' '}
                  {[...how.kinds].join(', ')}, {how.distance === 1 ? 'directly' : `${how.distance} steps away`}
                  {how.columns.size > 0 && `: ${[...how.columns].slice(0, 6).join(', ')}${how.columns.size > 6 ? ' …' : ''}`}
                </span>
              </li>
            ))}
          </ol>
        ) : (
          <p class="muted">Nothing, as far as is known.</p>
        )}
      </section>
      {before.size > 0 && (
        <section aria-label="Comes from">
          <h2 class="small">Comes from</h2>
          <ol class="breaks">
            {[...before]
              .sort((a, b) => a[1] - b[1])
              .map(([t]) => (
                <li key={t}>
                  <button type="button" class="linklike" onClick={() => choose(t)}>
                    {t}
                  </button>
                </li>
              ))}
          </ol>
        </section>
      )}
      {columns.length > 0 && (
        <section aria-label="Columns">
          <h2 class="small">Columns</h2>
          <div class="chips">
            {columns.map((c) => (
              <button key={c} type="button" class="small" aria-pressed={c === column} onClick={() => choose(c === column ? table : `${table}.${c}`)}>
                {bare(c)}
              </button>
            ))}
          </div>
        </section>
      )}
      <Behind sql={`SELECT * FROM ingest.lineage('${object.replaceAll("'", "''")}');`} />
    </div>
  );
}

