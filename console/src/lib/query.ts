// What a component asks: shown as it was at once, and as it is as soon as that is known
import { useEffect, useReducer, useRef } from 'preact/hooks';
import type { Problem } from './api';
import { dataOf, join, questionOf } from './questions';

export { forgetAll, reloadAll } from './questions';

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

/** what is asked under one key is the same everywhere */
export function useQuery<T>(key: string, fetcher: (stop: AbortSignal) => Promise<T>, { every = 0, on = [], off = false }: Options = {}): Asked<T> {
  const [, redraw] = useReducer((n: number, _: void) => n + 1, 0);
  const fetching = useRef(fetcher);
  fetching.current = fetcher;
  useEffect(() => {
    if (off) return;
    return join(key, { every, on, fetch: (stop) => fetching.current(stop), redraw: () => redraw(undefined) });
  }, [key, every, off, on.join()]);
  const question = off ? undefined : questionOf(key);
  return { data: dataOf(key) as T | undefined, problem: question?.problem, loading: !off && (question?.loading ?? true), reload: () => void questionOf(key)?.ask() };
}
