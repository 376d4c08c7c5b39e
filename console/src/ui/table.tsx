// Tables: rows of one height, of which only those in sight are in the page; heads that stay; sorted and walked by keyboard
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks';
import type { Column as Name, Resource, Row, Wanted } from '../lib/api';
import { expired, page, Problem } from '../lib/api';
import { compare, Numeral } from '../lib/exact';
import { clock, exact } from '../lib/format';
import { onMove } from '../lib/keys';
import { live, onEvent } from '../lib/live';
import { onReload, waitOf, wants } from '../lib/questions';
import { go, param, setQuery } from '../lib/router';
import { State, Waiting, Wrong } from './bits';

export const ROW = 32;

export interface Col<T> {
  id: string;
  head: string;
  /** pixels; without it a part of what is left */
  width?: number;
  /** shown where the table is at least so wide */
  above?: number;
  right?: boolean;
  cell: (row: T) => ComponentChildren;
  /** what rows are sorted by: here, or the column at the server */
  by?: ((row: T) => string | number | boolean | Numeral | null | undefined) | string;
  title?: string;
}

/** rows that may not all be here */
export interface Rows<T> {
  total: number;
  at: (i: number) => T | undefined;
  need: (from: number, to: number) => void;
  problem?: Problem | undefined;
  loading?: boolean;
  reload?: () => void;
  /** when they were so, where they could not be asked for again */
  asOf?: number;
}

export interface TableProps<T> {
  label: string;
  cols: Col<T>[];
  rows: Rows<T>;
  href?: (row: T) => string;
  /** without an address: opened in place */
  open?: (row: T) => void;
  key_: (row: T) => string | number;
  empty?: ComponentChildren;
  /** takes the height that is left */
  fill?: boolean;
  /** name of the parameter of the address that holds the order */
  sort?: string;
  rowTone?: (row: T) => string | undefined;
  foot?: boolean;
  /** at most so high, in rows */
  most?: number;
}

/** those columns for which there is room: what may go first says `above`; what has no width needs some */
export function fitting<T>(cols: Col<T>[], width: number): Col<T>[] {
  const shown = cols.filter((c) => !c.above || width >= c.above);
  const needs = () => shown.reduce((sum, c) => sum + (c.width ?? 130), 0);
  while (needs() > width) {
    const first = shown.filter((c) => c.above).sort((a, b) => b.above! - a.above!)[0];
    if (!first) break;
    shown.splice(shown.indexOf(first), 1);
  }
  return shown;
}

export function Table<T>({ label, cols, rows, href, open, key_, empty, fill, sort = 'sort', rowTone, foot, most }: TableProps<T>) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600, width: 1000 });
  const order = param(sort);

  useLayoutEffect(() => {
    const el = box.current;
    if (!el) return;
    const look = () => setView((v) => (v.top === el.scrollTop && v.height === el.clientHeight && v.width === el.clientWidth ? v : { top: el.scrollTop, height: el.clientHeight, width: el.clientWidth }));
    const watch = new ResizeObserver(look);
    watch.observe(el);
    let frame = 0;
    const scrolled = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(look);
    };
    el.addEventListener('scroll', scrolled, { passive: true });
    look();
    return () => {
      watch.disconnect();
      cancelAnimationFrame(frame);
      el.removeEventListener('scroll', scrolled);
    };
  }, []);

  const first = Math.max(0, Math.floor(view.top / ROW) - 8);
  const last = Math.min(rows.total, Math.ceil((view.top + view.height) / ROW) + 8);
  useEffect(() => rows.need(first, last), [first, last, rows.total, rows]);

  const total = useRef(rows.total);
  total.current = rows.total;
  useEffect(
    () =>
      onMove((by) => {
        const el = box.current;
        if (!el || !el.offsetParent) return false;
        const current = document.activeElement?.closest('tr[data-i]');
        const from = current && el.contains(current) ? Number(current.getAttribute('data-i')) : -1;
        const to = Math.max(0, Math.min(total.current - 1, from < 0 ? (by > 0 ? 0 : total.current - 1) : from + by));
        if (total.current === 0) return false;
        const head = ROW;
        if (to * ROW < el.scrollTop) el.scrollTop = to * ROW;
        else if ((to + 1) * ROW + head > el.scrollTop + el.clientHeight) el.scrollTop = (to + 1) * ROW + head - el.clientHeight;
        let tries = 0;
        const focus = () => {
          const row = el.querySelector<HTMLElement>(`tr[data-i="${to}"]`);
          const target = row?.querySelector<HTMLElement>('a, button') ?? row;
          if (target) {
            target.focus({ preventScroll: true });
            row?.scrollIntoView({ block: 'nearest' });
          } else if (tries++ < 10) requestAnimationFrame(focus);
        };
        requestAnimationFrame(focus);
        return true;
      }),
    [],
  );

  const shown = fitting(cols, view.width);
  const drawn: number[] = [];
  for (let i = first; i < last; i++) drawn.push(i);

  // a lost connection is said of all of the page
  const old = rows.total > 0 && rows.asOf && rows.problem && ![0, 401, 503].includes(rows.problem.status) ? rows.problem : undefined;
  return (
    <div class={'table' + (fill ? ' fill' : '')}>
      {old && (
        <div class="banner" role="alert">
          <State tone="warn">Not current</State>
          <span class="grow">
            As of {clock(rows.asOf!)}. {old.message} {old.hint}
          </span>
          <button type="button" class="small" onClick={rows.reload}>
            Try again
          </button>
        </div>
      )}
      <div class="scroll" ref={box} tabIndex={0} role="region" aria-label={label} style={most ? { maxHeight: `${(most + 1) * ROW + 2}px` } : undefined}>
        <table aria-rowcount={rows.total}>
          <colgroup>
            {shown.map((c) => (
              <col key={c.id} style={c.width ? { width: `${c.width}px` } : undefined} />
            ))}
          </colgroup>
          <thead>
            <tr>
              {shown.map((c) => {
                const by = order === c.id ? 'ascending' : order === '-' + c.id ? 'descending' : undefined;
                return (
                  <th key={c.id} scope="col" class={c.right ? 'right' : ''} aria-sort={by} title={c.title}>
                    {c.by ? (
                      <button type="button" onClick={() => setQuery({ [sort]: by === 'ascending' ? '-' + c.id : by === 'descending' ? null : c.id })}>
                        {c.head}
                        <span aria-hidden="true" class="arrow">{by === 'ascending' ? '↑' : by === 'descending' ? '↓' : ''}</span>
                      </button>
                    ) : (
                      c.head || <span class="hidden">What can be done</span>
                    )}
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {first > 0 && <tr class="space" aria-hidden="true" style={{ height: `${first * ROW}px` }} />}
            {drawn.map((i) => {
              const row = rows.at(i);
              if (row === undefined)
                return (
                  <tr key={'w' + i} data-i={i} class="wait">
                    <td colSpan={shown.length}>
                      <i />
                    </td>
                  </tr>
                );
              const to = href?.(row);
              return (
                <tr
                  key={key_(row)}
                  data-i={i}
                  aria-rowindex={i + 2}
                  class={(to || open ? 'opens ' : '') + (rowTone?.(row) ?? '')}
                  onClick={(e) => {
                    if ((e.target as HTMLElement).closest('a, button, input, select, label') || getSelection()?.toString()) return;
                    if (to) go(to);
                    else open?.(row);
                  }}
                >
                  {shown.map((c, n) => (
                    <td key={c.id} class={c.right ? 'right' : ''}>
                      {n === 0 && to ? (
                        <a class="rowlink" href={to}>
                          {c.cell(row)}
                        </a>
                      ) : n === 0 && open ? (
                        <button type="button" class="rowlink" onClick={() => open(row)}>
                          {c.cell(row)}
                        </button>
                      ) : (
                        c.cell(row)
                      )}
                    </td>
                  ))}
                </tr>
              );
            })}
            {last < rows.total && <tr class="space" aria-hidden="true" style={{ height: `${(rows.total - last) * ROW}px` }} />}
          </tbody>
        </table>
        {rows.total === 0 && (rows.problem ? <Wrong problem={rows.problem} {...(rows.reload ? { retry: rows.reload } : {})} /> : rows.loading ? <Waiting lines={6} /> : (empty ?? <p class="none">Nothing here.</p>))}
      </div>
      {foot && rows.total > 0 && (
        <div class="foot muted small">
          {exact(rows.total)} {rows.total === 1 ? 'row' : 'rows'}
        </div>
      )}
    </div>
  );
}

/** rows that are all here, sorted by what the address says */
export function useLocal<T>(all: T[] | undefined, cols: Col<T>[], { problem, loading, reload, sort = 'sort' }: { problem?: Problem | undefined; loading?: boolean; reload?: () => void; sort?: string } = {}): Rows<T> {
  const order = param(sort);
  const col = cols.find((c) => c.id === order.replace(/^-/, ''));
  const by = typeof col?.by === 'function' ? col.by : undefined;
  let rows = all ?? [];
  if (by) {
    const back = order.startsWith('-') ? -1 : 1;
    rows = [...rows].sort((a, b) => {
      const x = by(a);
      const y = by(b);
      // what is not known is last, whichever way
      if (x === null || x === undefined) return y === null || y === undefined ? 0 : 1;
      if (y === null || y === undefined) return -1;
      if (x instanceof Numeral || y instanceof Numeral) return compare(x as number | Numeral, y as number | Numeral) * back;
      return x === y ? 0 : (x < y ? -1 : 1) * back;
    });
  }
  return { total: rows.length, at: (i) => rows[i], need: () => {}, problem, loading: loading ?? all === undefined, ...(reload ? { reload } : {}) };
}

const PAGE = 100;
/** seconds between two questions where no event tells that something changed */
const DEAF = 10;

interface Fetched<T> {
  key: string;
  pages: Map<number, T[]>;
  asked: Map<number, symbol>;
  total: number;
  problem: Problem | undefined;
  loading: boolean;
  rows: Rows<T> | null;
  seen: number[];
  at: number;
}

/** rows that the server sorts and filters, fetched as they come into sight */
export function useServer<R extends Resource, C extends Name<R>, E = unknown>(
  resource: R,
  wanted: Wanted<R, C>,
  cols: Col<Row<R, C> & E>[],
  { every = 0, on = [], otherwise }: { every?: number; on?: readonly string[]; otherwise: string },
): Rows<Row<R, C> & E> {
  type T = Row<R, C> & E;
  const order = param('sort');
  const col = cols.find((c) => c.id === order.replace(/^-/, ''));
  const by = typeof col?.by === 'string' ? `${col.by}.${order.startsWith('-') ? 'desc' : 'asc'}.nullslast,${otherwise}` : otherwise;
  const key = JSON.stringify([resource, wanted.select, wanted.embed, wanted.where, by]);
  const [, redraw] = useReducer((n: number, _: void) => n + 1, 0);
  const state = useRef<Fetched<T>>(null!);
  state.current ??= { key: '', pages: new Map(), asked: new Map(), total: 0, problem: undefined, loading: true, rows: null, seen: [0], at: 0 };
  const s = state.current;
  const stop = useRef(new AbortController());

  const fetchPage = useRef<(n: number, force?: boolean) => Promise<void>>(async () => {});
  fetchPage.current = async (n, force) => {
    if (s.asked.has(n) && !force) return;
    // of two answers to one question the one that was asked for last stands, whichever comes first
    const turn = Symbol();
    s.asked.set(n, turn);
    const mine = s.key;
    const late = () => mine !== s.key || s.asked.get(n) !== turn;
    try {
      const got = await page<R, C, E>(resource, { ...wanted, order: by, limit: PAGE, offset: n * PAGE }, stop.current.signal);
      if (late()) return;
      s.pages.set(n, got.rows);
      s.total = got.total;
      s.problem = undefined;
      s.at = Date.now();
    } catch (error) {
      if (stop.current.signal.aborted || late()) return;
      s.asked.delete(n);
      s.problem = error instanceof Problem ? error : new Problem(0, String(error));
      // what may not be seen any more is not shown any longer
      if (s.problem.status === 403 || s.problem.status === 404) forget(s);
    }
    s.loading = false;
    s.rows = null;
    redraw(undefined);
  };

  useEffect(() => {
    stop.current.abort();
    stop.current = new AbortController();
    // what was there stays until what is asked now is here
    s.key = key;
    s.asked.clear();
    s.loading = true;
    let asking = true;
    let more = false;
    let soon = 0;
    let timer = 0;
    const begin = (pages: number[], force: boolean) => {
      asking = true;
      more = false;
      clearTimeout(timer);
      return Promise.all(pages.map((n) => fetchPage.current(n, force))).then(() => {
        if (s.key !== key || gone) return;
        asking = false;
        if (more) soon = window.setTimeout(again, 600);
        let by_clock = every;
        if (live.peek() !== 'live' && on.length) by_clock = Math.min(every || DEAF, DEAF);
        const wait = waitOf(s.problem, by_clock);
        if (wait) timer = window.setTimeout(again, wait * 1000);
      });
    };
    let gone = false;
    void begin([0], false).then(() => {
      if (s.key !== key || gone) return;
      // rows of another question are no answer to this one, whether it has one or not
      if (s.problem && s.at < since) forget(s);
      for (const n of s.pages.keys()) if (!s.asked.has(n)) s.pages.delete(n);
      s.rows = null;
      redraw(undefined);
    });
    const since = Date.now();
    const again = () => {
      soon = 0;
      // a slow answer is waited for: each event would else begin it anew
      if (asking) more = true;
      else if (document.hidden || expired.peek()) timer = window.setTimeout(again, 1000);
      else void begin(s.seen, true);
    };
    const deaf = on.length
      ? onEvent((type) => {
          if (!soon && wants(on, type)) soon = window.setTimeout(again, 600);
        })
      : () => {};
    const leave = onReload(() => void begin(s.seen, true));
    return () => {
      gone = true;
      deaf();
      leave();
      clearTimeout(timer);
      clearTimeout(soon);
    };
  }, [key, every]);
  useEffect(() => () => stop.current.abort(), []);

  s.rows ??= {
    total: s.total,
    at: (i) => s.pages.get(Math.floor(i / PAGE))?.[i % PAGE],
    need: (from, to) => {
      s.seen = [];
      for (let n = Math.floor(from / PAGE); n <= Math.floor(Math.max(from, to - 1) / PAGE); n++) {
        s.seen.push(n);
        if (n * PAGE < s.total) void fetchPage.current(n);
      }
    },
    problem: s.problem,
    loading: s.loading,
    asOf: s.at,
    reload: () => void fetchPage.current(s.seen[0] ?? 0, true),
  };
  return s.rows;
}

function forget<T>(s: Fetched<T>): void {
  s.pages.clear();
  s.asked.clear();
  s.total = 0;
}
