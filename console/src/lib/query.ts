// What a component asks: shown as it was at once, asked again when the stream tells that it changed, and by the clock
import { useEffect, useReducer, useRef } from 'preact/hooks';
import { expired, lostSince, Problem } from './api';
import { onEvent } from './live';

interface Kept {
  data: unknown;
  at: number;
}
const kept = new Map<string, Kept>();
const MOST_KEPT = 200;

export interface Options {
  /** seconds after which it is asked again; 0: never */
  every?: number;
  /** types of events, or how they begin, after which it is */
  on?: readonly string[];
  /** not now */
  off?: boolean;
}

export interface Asked<T> {
  data: T | undefined;
  problem: Problem | undefined;
  loading: boolean;
  reload: () => void;
}

const reloads = new Set<() => void>();
/** all that is looked at, at once: after something was done, or when the server is back */
export function reloadAll(): void {
  for (const reload of reloads) reload();
}

export function forgetAll(): void {
  kept.clear();
}

export function useQuery<T>(key: string, fetcher: (stop: AbortSignal) => Promise<T>, { every = 0, on = [], off = false }: Options = {}): Asked<T> {
  const [, redraw] = useReducer((n: number, _: void) => n + 1, 0);
  const state = useRef<{ key: string; problem: Problem | undefined; loading: boolean }>({ key: '', problem: undefined, loading: false });
  const fetching = useRef(fetcher);
  fetching.current = fetcher;
  const again = useRef<() => void>(() => {});
  if (state.current.key !== key) state.current = { key, problem: undefined, loading: !off };

  useEffect(() => {
    if (off) return;
    let stop: AbortController | null = null;
    let timer = 0;
    let soon = 0;
    let gone = false;
    const load = async () => {
      clearTimeout(timer);
      clearTimeout(soon);
      soon = 0;
      stop?.abort();
      const mine = (stop = new AbortController());
      try {
        const data = await fetching.current(mine.signal);
        if (gone || mine.signal.aborted) return;
        kept.delete(key);
        kept.set(key, { data, at: Date.now() });
        if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value as string);
        state.current = { key, problem: undefined, loading: false };
      } catch (error) {
        if (gone || mine.signal.aborted) return;
        state.current = { key, problem: error instanceof Problem ? error : new Problem(0, String(error)), loading: false };
      }
      redraw(undefined);
      const failed = state.current.problem;
      const wait = failed?.status === 0 || failed?.status === 503 ? 3 : failed?.status === 429 ? 10 : failed ? 0 : every;
      if (wait) timer = window.setTimeout(tick, wait * 1000);
    };
    const tick = () => {
      if (document.hidden || expired.peek()) timer = window.setTimeout(tick, 1000);
      else void load();
    };
    again.current = () => void load();
    reloads.add(again.current);
    void load();
    // events come in flocks: what they tell is asked for once
    const deaf = on.length
      ? onEvent((type) => {
          if (!soon && on.some((o) => type === o || (o.endsWith('.') && type.startsWith(o)))) soon = window.setTimeout(tick, 400);
        })
      : () => {};
    const mine = again.current;
    return () => {
      gone = true;
      reloads.delete(mine);
      deaf();
      stop?.abort();
      clearTimeout(timer);
      clearTimeout(soon);
    };
  }, [key, every, off, on.join()]);

  return { data: kept.get(key)?.data as T | undefined, problem: state.current.problem, loading: state.current.loading, reload: () => again.current() };
}

// when the server is back, so is everything
let was: number | null = null;
lostSince.subscribe((since) => {
  if (was !== null && since === null) setTimeout(reloadAll, 50);
  was = since;
});
