// What is asked and kept: each thing once, however many parts of a page show it; asked again by events, by the clock and after an action
import { signal } from '@preact/signals';
import { acted, expired, lostSince, Problem, session } from './api';
import { live, onEvent } from './live';

const MOST_KEPT = 200;
/** milliseconds within which what is shown anew was asked just now */
const JUST_NOW = 1000;
/** seconds between two questions where no event tells that something changed */
const DEAF = 10;
/** events come in flocks: what they tell is asked for once, so many milliseconds later */
const FLOCK = 400;

interface User {
  every: number;
  on: readonly string[];
  fetch: (stop: AbortSignal) => Promise<unknown>;
  redraw: () => void;
}

const kept = new Map<string, { data: unknown; at: number }>();
const questions = new Map<string, Question>();
const reloads = new Set<() => void>();

/** what is shown as it was, since it could not be asked again: why */
export const stale = signal<{ key: string; at: number; problem: Problem }[]>([]);

export const dataOf = (key: string) => kept.get(key)?.data;
export const questionOf = (key: string) => questions.get(key);

/** all that is looked at, at once: after something was done, or when the server is back */
export function reloadAll(): void {
  for (const reload of [...reloads]) reload();
}

/** something that is asked elsewhere is asked again with all the rest */
export function onReload(reload: () => void): () => void {
  reloads.add(reload);
  return () => void reloads.delete(reload);
}

export function forgetAll(): void {
  kept.clear();
  stale.value = [];
}

export const wants = (on: readonly string[], type: string) => on.some((o) => type === o || (o.endsWith('.') && type.startsWith(o)));
const hidden = () => typeof document !== 'undefined' && document.hidden;

/** seconds until something is asked again; 0: not by itself */
export function waitOf(problem: Problem | undefined, every: number): number {
  if (!problem) return every;
  if (problem.status === 0 || problem.status === 503) return problem.after || 3;
  if (problem.status === 429) return Math.max(problem.after, 5);
  // what failed in passing is tried again; what is refused is not asked for more often than before
  return problem.status >= 500 ? Math.max(every, 15) : every;
}

class Question {
  problem: Problem | undefined;
  loading = true;
  readonly users = new Set<User>();
  private stop: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private soon: ReturnType<typeof setTimeout> | undefined;
  private once_more = false;
  private deaf: () => void;
  private leave: () => void;

  constructor(readonly key: string) {
    this.leave = onReload(() => void this.ask());
    this.deaf = onEvent((type) => {
      if (this.soon === undefined && [...this.users].some((u) => wants(u.on, type))) this.soon = setTimeout(() => this.heard(), FLOCK);
    });
  }

  join(user: User): void {
    this.users.add(user);
    const at = kept.get(this.key)?.at ?? 0;
    if (this.stop || (this.users.size > 1 && Date.now() - at < JUST_NOW)) return this.plan();
    void this.ask();
  }

  left(user: User): void {
    this.users.delete(user);
    if (this.users.size) return;
    questions.delete(this.key);
    this.leave();
    this.deaf();
    this.stop?.abort();
    clearTimeout(this.timer);
    clearTimeout(this.soon);
    this.tell();
  }

  /** now, whatever is under way: that may have been answered before something was done */
  async ask(): Promise<void> {
    const user = [...this.users].at(-1);
    if (!user) return;
    clearTimeout(this.timer);
    clearTimeout(this.soon);
    this.soon = undefined;
    this.once_more = false;
    this.stop?.abort();
    const mine = (this.stop = new AbortController());
    try {
      const data = await user.fetch(mine.signal);
      if (mine.signal.aborted) return;
      kept.delete(this.key);
      kept.set(this.key, { data, at: Date.now() });
      if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value as string);
      this.problem = undefined;
    } catch (error) {
      if (mine.signal.aborted) return;
      this.problem = error instanceof Problem ? error : new Problem(0, String(error));
      // what one may no longer see, or what is gone, is not shown any longer
      if (this.problem.status === 403 || this.problem.status === 404) kept.delete(this.key);
    }
    this.stop = null;
    this.loading = false;
    this.tell();
    for (const u of this.users) u.redraw();
    if (this.once_more) this.soon = setTimeout(() => this.heard(), FLOCK);
    this.plan();
  }

  // a slow answer is waited for: each event would else begin it anew, and none would ever come
  private heard(): void {
    this.soon = undefined;
    if (this.stop) this.once_more = true;
    else this.tick();
  }

  private tick(): void {
    clearTimeout(this.timer);
    if (hidden() || expired.peek()) this.timer = setTimeout(() => this.tick(), 1000);
    else void this.ask();
  }

  plan(): void {
    if (this.stop) return;
    clearTimeout(this.timer);
    let every = Math.min(...[...this.users].map((u) => u.every || Infinity));
    if (live.peek() !== 'live' && [...this.users].some((u) => u.on.length)) every = Math.min(every, DEAF);
    const wait = waitOf(this.problem, Number.isFinite(every) ? every : 0);
    if (wait) this.timer = setTimeout(() => this.tick(), wait * 1000);
  }

  private tell(): void {
    const others = stale.peek().filter((s) => s.key !== this.key);
    const had = kept.get(this.key);
    const p = this.users.size ? this.problem : undefined;
    // a lost connection and an ended session are said elsewhere, of all of the page
    if (p && had && ![0, 401, 503].includes(p.status)) stale.value = [...others, { key: this.key, at: had.at, problem: p }];
    else if (others.length !== stale.peek().length) stale.value = others;
  }
}

/** somebody looks at it, until the function that is returned is called */
export function join(key: string, user: User): () => void {
  let question = questions.get(key);
  if (!question) questions.set(key, (question = new Question(key)));
  question.join(user);
  return () => question.left(user);
}

// when the server is back, so is everything
let was: number | null = null;
lostSince.subscribe((since) => {
  if (was !== null && since === null) setTimeout(reloadAll, 50);
  was = since;
});
// what one did has changed something, even where it was refused: it was not as it was shown
let done = acted.peek();
acted.subscribe((n) => {
  if (n !== done) setTimeout(reloadAll, 0);
  done = n;
});
// somebody else sees other things
let role = session.peek()?.role;
session.subscribe((now) => {
  if (role !== now?.role) forgetAll();
  role = now?.role;
});
// who hears nothing any more asks by the clock
live.subscribe(() => {
  for (const question of questions.values()) question.plan();
});
