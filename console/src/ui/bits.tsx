// The small things that pages are made of
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Problem } from '../lib/api';
import { Numeral, written } from '../lib/exact';
import { absolute, ago, duration, exact, short } from '../lib/format';
import { param, path, setQuery } from '../lib/router';
import { now } from '../lib/time';

export type Tone = 'ok' | 'warn' | 'bad' | 'idle' | 'busy';

/** a number: short, exact where one points */
export function Num({ n, unit = '', href }: { n: number | null | undefined; unit?: string; href?: string }) {
  const said = short(n);
  const whole = exact(n) + (unit ? ' ' + unit : '');
  const shown = <span class="num" title={said === whole ? undefined : whole}>{said}</span>;
  return href ? <a href={href}>{shown}</a> : shown;
}

/** a moment: how long ago, itself where one points */
export function When({ at }: { at: string | null | undefined }) {
  if (!at) return <span class="faint">–</span>;
  return (
    <time dateTime={at} title={absolute(at)}>
      {ago(at, now.value)}
    </time>
  );
}

export function Span({ s }: { s: number | null | undefined }) {
  return <span class="num" title={s === null || s === undefined ? undefined : exact(s) + ' s'}>{duration(s)}</span>;
}

const SHAPES: Record<Tone, string> = {
  ok: 'M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3Z',
  warn: 'M8 2.500 14 13H2Z',
  bad: 'M3.500 3.500h9v9h-9Z',
  idle: 'M3 7h10v2H3Z',
  busy: 'M4 2.500 13 8l-9 5.500Z',
};

/** a colour never stands alone: a shape of its own, and a word */
export function State({ tone, children, title }: { tone: Tone; children: ComponentChildren; title?: string }) {
  return (
    <span class={`state ${tone}`} title={title}>
      <svg class="shape" viewBox="0 0 16 16" aria-hidden="true">
        <path d={SHAPES[tone]} />
      </svg>
      <span>{children}</span>
    </span>
  );
}

export function runTone(state: string | null): Tone {
  if (!state) return 'idle';
  if (state === 'running') return 'busy';
  if (state.startsWith('succeeded with')) return 'warn';
  if (state.startsWith('succeeded')) return 'ok';
  if (state === 'cancelled') return 'idle';
  return 'bad';
}

export const severityTone = (s: string | null): Tone => (s === 'error' ? 'bad' : s === 'warning' ? 'warn' : 'idle');

export function Badge({ children, title, tone }: { children: ComponentChildren; title?: string; tone?: Tone }) {
  return <span class={'badge' + (tone ? ' ' + tone : '')} title={title}>{children}</span>;
}

/** what is copied: an address, a statement */
export function Copy({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  return (
    <button
      type="button"
      class="quiet small"
      onClick={async () => {
        try {
          await navigator.clipboard.writeText(text);
          setDone(true);
          setTimeout(() => setDone(false), 1500);
        } catch {
          // a page that did not come by TLS has no clipboard, and a browser may refuse it
          say({ tone: 'warn', text: 'The browser does not let this page copy.', more: 'Select the text, then copy it by the keyboard.' });
        }
      }}
    >
      {done ? 'Copied' : label}
    </button>
  );
}

/** a statement, ready to be copied */
export function Sql({ text, label }: { text: string; label?: string }) {
  return (
    <figure class="sql">
      <figcaption>
        <span>{label ?? 'SQL'}</span>
        <Copy text={text} />
      </figcaption>
      <pre tabIndex={0} aria-label={label ?? 'SQL'}>{text}</pre>
    </figure>
  );
}

/** the statement behind a figure, where one asks for it */
export function Behind({ sql }: { sql: string | null | undefined }) {
  if (!sql) return null;
  return (
    <details class="behind">
      <summary>SQL</summary>
      <Sql text={sql} label="The statement that gives this" />
    </details>
  );
}

/** nothing is there yet: how there would be something */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** what went wrong: what, where, what to do */
export function Wrong({ problem, retry, what }: { problem: Problem; retry?: () => void; what?: string }) {
  return (
    <div class="wrong" role="alert">
      <State tone={problem.status === 0 ? 'idle' : 'bad'}>{what ?? (problem.status === 404 ? 'Not found' : problem.status === 403 ? 'Not allowed' : 'That did not work')}</State>
      <p>{problem.message}</p>
      {problem.details && <p class="muted">{problem.details}</p>}
      {problem.hint && <p>{problem.hint}</p>}
      <p class="muted small">
        {problem.status > 0 && <>HTTP {problem.status} </>}
        {problem.code && <>· code {problem.code} </>}
        {problem.request && <>· request {problem.request}</>}
      </p>
      {retry && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

export function Panel({ title, aside, children, id, class: name }: { title: ComponentChildren; aside?: ComponentChildren; children: ComponentChildren; id?: string; class?: string }) {
  return (
    <section class={'panel ' + (name ?? '')} id={id}>
      <header>
        <h2>{title}</h2>
        {aside && <div class="aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}

/** Enter in a field of a form does what its first button does */
export const submits = (e: { preventDefault: () => void; currentTarget: HTMLFormElement }) => {
  e.preventDefault();
  e.currentTarget.querySelector<HTMLButtonElement>('button.primary')?.click();
};

/** something that is waited for */
export function Waiting({ lines = 3 }: { lines?: number }) {
  return (
    <div class="waiting" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, i) => (
        <i key={i} />
      ))}
    </div>
  );
}

/** what is asked: the answer, why there is none, or that it is waited for */
export function Answered<T>({ of, lines, children }: { of: { data: T | undefined; problem: Problem | undefined; reload: () => void }; lines?: number; children: (data: T) => ComponentChildren }) {
  if (of.data !== undefined) return <>{children(of.data)}</>;
  return of.problem ? <Wrong problem={of.problem} retry={of.reload} /> : <Waiting {...(lines ? { lines } : {})} />;
}

/** a list that is cut says so */
export function Cut({ shown, total, what }: { shown: number; total: number; what: string }) {
  return total > shown ? <p class="none">The first {exact(shown)} of {exact(total)} {what}. A filter brings others.</p> : null;
}

export function Tabs({ name = 'tab', tabs }: { name?: string; tabs: { id: string; label: ComponentChildren; count?: number | null | undefined; tone?: Tone | undefined }[] }) {
  const chosen = param(name, tabs[0]?.id);
  return (
    <nav class="tabs" aria-label="Views">
      {tabs.map((t) => (
        <button key={t.id} type="button" aria-current={t.id === chosen ? 'page' : undefined} onClick={() => setQuery({ [name]: t.id === tabs[0]?.id ? null : t.id, q: null, sort: null }, true)}>
          {t.label}
          {!!t.count && <span class={'count ' + (t.tone ?? '')}>{short(t.count)}</span>}
        </button>
      ))}
    </nav>
  );
}

/** filters as one types, into the address */
export function Filter({ label, name = 'q' }: { label: string; name?: string }) {
  const value = param(name);
  const [typed, setTyped] = useState(value);
  const timer = useRef(0);
  useEffect(() => setTyped(value), [value]);
  // what was typed on a page is no filter of the next one
  const at = path.value + param('tab');
  useEffect(() => () => clearTimeout(timer.current), [at]);
  return (
    <label class="filter">
      <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
        <path d="M7 3a4 4 0 1 1 0 8 4 4 0 0 1 0-8Zm3 7 3.500 3.500" />
      </svg>
      <input
        type="search"
        data-filter={name === 'q' ? '' : undefined}
        placeholder={label}
        aria-label={label}
        value={typed}
        onInput={(e) => {
          const text = e.currentTarget.value;
          setTyped(text);
          clearTimeout(timer.current);
          timer.current = window.setTimeout(() => setQuery({ [name]: text.trim() }), 150);
        }}
      />
    </label>
  );
}

/** one of a few, in the address */
export function Choice({ name, label, options }: { name: string; label: string; options: [string, string][] }) {
  const value = param(name, options[0]?.[0]);
  return (
    <label class="choice">
      <span>{label}</span>
      <select value={value} onChange={(e) => setQuery({ [name]: e.currentTarget.value === options[0]?.[0] ? null : e.currentTarget.value }, true)}>
        {options.map(([id, text]) => (
          <option key={id} value={id}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

/** that something was not done: what the server said of it, and what to do */
export function refused(error: unknown): void {
  const p = error instanceof Problem ? error : new Problem(0, error instanceof Error ? error.message : String(error));
  say({ tone: 'bad', text: p.message, more: [p.hint, p.details, p.request && `Request ${p.request}.`].filter(Boolean).join(' ') });
}

export interface ActProps {
  children: ComponentChildren;
  /** what it will do, in a sentence */
  title: string;
  does: () => Promise<unknown>;
  /** said when it is done */
  done?: ComponentChildren | ((answer: unknown) => ComponentChildren);
  /** asked before, where something is destroyed */
  sure?: string;
  quiet?: boolean;
  primary?: boolean;
  disabled?: boolean;
}

/** does something: says what it will do, asks only where it destroys, tells how it went */
export function Act({ children, title, does, done, sure, quiet, primary, disabled }: ActProps) {
  const [busy, setBusy] = useState(false);
  const [asking, setAsking] = useState(false);
  // of two clicks in one moment the second finds no disabled button yet
  const under_way = useRef(false);
  const run = async () => {
    if (under_way.current) return;
    under_way.current = true;
    setBusy(true);
    setAsking(false);
    try {
      const answer = await does();
      say({ tone: 'ok', text: typeof done === 'function' ? done(answer) : (done ?? 'Done') });
    } catch (error) {
      refused(error);
    } finally {
      under_way.current = false;
      setBusy(false);
    }
  };
  return (
    <>
      <button type="button" class={(quiet ? 'quiet small' : '') + (primary ? ' primary' : '')} title={title} disabled={busy || disabled} onClick={() => (sure ? setAsking(true) : void run())}>
        {busy ? 'Working …' : children}
      </button>
      {asking && sure && (
        <Dialog title={title} close={() => setAsking(false)}>
          <p>{sure}</p>
          <footer>
            <button type="button" onClick={() => setAsking(false)}>
              Keep it
            </button>
            <button type="button" class="danger" onClick={() => void run()}>
              {children}
            </button>
          </footer>
        </Dialog>
      )}
    </>
  );
}

export function Dialog({ title, close, children }: { title: string; close: () => void; children: ComponentChildren }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    ref.current?.showModal();
  }, []);
  return (
    <dialog ref={ref} aria-label={title} onClose={close} onClick={(e) => e.target === ref.current && ref.current?.close()}>
      <div class="dialog">
        <header>
          <h2>{title}</h2>
          <button type="button" class="quiet small" aria-label="Close" onClick={() => ref.current?.close()}>
            ✕
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}

// -- what is said at the foot of the page, for a while --

interface Said {
  tone: Tone;
  text: ComponentChildren;
  more?: string | null;
}
let speak: (said: Said) => void = () => {};
export function say(said: Said): void {
  speak(said);
}

export function Toasts() {
  const [all, setAll] = useState<(Said & { id: number })[]>([]);
  useEffect(() => {
    let id = 0;
    speak = (said) => {
      const mine = { ...said, id: ++id };
      setAll((a) => [...a.slice(-3), mine]);
      setTimeout(() => setAll((a) => a.filter((s) => s.id !== mine.id)), said.tone === 'bad' ? 12000 : 6000);
    };
  }, []);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {all.map((s) => (
        <div key={s.id} class="toast">
          <State tone={s.tone}>{s.text}</State>
          {s.more && <p class="muted">{s.more}</p>}
          <button type="button" class="quiet small" aria-label="Dismiss" onClick={() => setAll((a) => a.filter((x) => x.id !== s.id))}>
            ✕
          </button>
        </div>
      ))}
    </div>
  );
}

/** facts of a thing: what, and how it is */
export function Facts({ facts }: { facts: ([string, ComponentChildren] | null | false)[] }) {
  return (
    <dl class="facts">
      {facts
        .filter((f): f is [string, ComponentChildren] => !!f)
        .map(([what, is]) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>{is}</dd>
          </div>
        ))}
    </dl>
  );
}

export function Json({ value }: { value: unknown }) {
  return (
    <pre class="json" tabIndex={0} aria-label="JSON">
      {written(value, 2)}
    </pre>
  );
}

/** a row's value as a cell shows it */
export function Value({ v }: { v: unknown }): JSX.Element {
  if (v === null || v === undefined) return <span class="null">null</span>;
  if (typeof v === 'number') return <span class="num">{String(v)}</span>;
  if (typeof v === 'boolean') return <span>{v ? 'true' : 'false'}</span>;
  if (v instanceof Numeral) return <span class="num">{v.text}</span>;
  if (typeof v === 'object') return <code>{written(v)}</code>;
  return v === '' ? <span class="null">empty</span> : <span>{String(v)}</span>;
}
