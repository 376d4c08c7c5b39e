// The frame around all pages: where one is, where one can go, whether what one sees is true now
import type { ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { call, expired, heard, lostSince, session } from './lib/api';
import { ago, clock } from './lib/format';
import { listen, PAGES } from './lib/keys';
import { live } from './lib/live';
import { useQuery } from './lib/query';
import { reloadAll, stale } from './lib/questions';
import { go, parts, path } from './lib/router';
import { logOut } from './lib/session';
import { now } from './lib/time';
import { crumbs } from './ui/crumbs';
import { Dialog, Empty, refused, State, Toasts, Waiting } from './ui/bits';
import { Icon } from './ui/icons';
import { Search } from './ui/search';
import { Login } from './pages/login';
import { Overview } from './pages/overview';
import { Source, Sources } from './pages/sources';
import { TablePage, TablesPage } from './pages/tables';
import { RunPage, Runs } from './pages/runs';
import { Quality } from './pages/quality';
import { Events } from './pages/events';
import { SinkPage, Sinks } from './pages/sinks';
import { Tokens } from './pages/tokens';

/** the graph comes when it is looked at */
function Later({ load, name }: { load: () => Promise<ComponentType>; name: string }) {
  const [Page, setPage] = useState<ComponentType | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    load().then((p) => setPage(() => p), () => setFailed(true));
  }, [name]);
  if (failed)
    return (
      <section class="panel">
        <Empty title="This part of the console could not be loaded">
          <p>The server cannot be reached, or its console is newer than this page.</p>
          <button type="button" class="primary" onClick={() => location.reload()}>
            Reload the page
          </button>
        </Empty>
      </section>
    );
  return Page ? <Page /> : <Waiting lines={6} />;
}
const lineage = () => import('./pages/lineage').then((m) => m.Lineage);

function Page() {
  const [room, id] = parts.value;
  switch (room) {
    case undefined:
      return <Overview />;
    case 'sources':
      return id ? <Source key={id} id={id} /> : <Sources />;
    case 'tables':
      return id ? <TablePage key={id} id={id} /> : <TablesPage />;
    case 'lineage':
      return <Later load={lineage} name="lineage" />;
    case 'runs':
      return id ? <RunPage key={id} id={id} /> : <Runs />;
    case 'quality':
      return <Quality />;
    case 'events':
      return <Events />;
    case 'sinks':
      return id ? <SinkPage key={id} name={id} /> : <Sinks />;
    case 'tokens':
      return <Tokens />;
    default:
      return (
        <section class="panel empty">
          <h2>There is no such page</h2>
          <p>
            <a href="#/">Go to the overview</a>
          </p>
        </section>
      );
  }
}

function Keys({ close }: { close: () => void }) {
  const keys: [string, string][] = [
    ['/', 'filter this page'],
    ['s', 'search sources, tables and columns'],
    ['j k', 'next and previous row'],
    ['enter', 'open what is chosen'],
    ['esc', 'leave a field, close this'],
    ...PAGES.map(([key, , name]): [string, string] => [`g ${key}`, name]),
    ['?', 'these keys'],
  ];
  return (
    <Dialog title="Keys" close={close}>
      <div class="keys">
        {keys.map(([key, does]) => [
          <span key={key}>
            {key.split(' ').map((k) => (
              <kbd key={k}>{k}</kbd>
            ))}
          </span>,
          <span key={key + '-'}>{does}</span>,
        ])}
      </div>
    </Dialog>
  );
}

/** whether what one sees is as it is */
function Live() {
  if (lostSince.value !== null) return <State tone="bad" title="The server cannot be reached">Offline</State>;
  switch (live.value) {
    case 'live':
      return <State tone="ok" title="What happens is shown as it happens">Live</State>;
    case 'off':
      return <State tone="idle" title="This role may not read events: pages ask every few seconds instead">Polling</State>;
    case 'connecting':
      return <State tone="idle">Connecting</State>;
    default:
      return <State tone="warn" title="The stream of events ended and is being resumed">Reconnecting</State>;
  }
}

function Lost() {
  const since = lostSince.value;
  // one request that failed is not yet a lost connection
  const [long, setLong] = useState(false);
  useEffect(() => {
    if (since === null) return setLong(false);
    const timer = setTimeout(() => setLong(true), 800);
    return () => clearTimeout(timer);
  }, [since]);
  if (since === null || !long) return null;
  return (
    <div class="banner" role="alert">
      <State tone="warn">Connection lost</State>
      <span>
        What you see is as of {clock(heard())}, {ago(new Date(heard()).toISOString(), now.value)}. It is tried again by itself; nothing needs to be reloaded.
      </span>
    </div>
  );
}

/** what could not be asked again, while the rest could */
function Stale() {
  const parts = stale.value;
  if (!parts.length) return null;
  const oldest = Math.min(...parts.map((p) => p.at));
  const problem = parts[0]!.problem;
  return (
    <div class="banner" role="alert">
      <State tone="warn">Not current</State>
      <span class="grow">
        A part of this page is as of {clock(oldest)}, {ago(new Date(oldest).toISOString(), now.value)}. {problem.message} {problem.hint}
      </span>
      <button type="button" class="small" onClick={() => reloadAll()}>
        Try again
      </button>
    </div>
  );
}

function Frame() {
  const [open, setOpen] = useState(false);
  const [keys, setKeys] = useState(false);
  // an ended session may be looked past for a while
  const [away, setAway] = useState(false);
  useEffect(() => {
    if (!expired.value) setAway(false);
  }, [expired.value]);
  const main = useRef<HTMLElement>(null);
  const trail = crumbs.value;
  const room = parts.value[0] ?? '';
  const glance = useQuery('overview', (stop) => call('/v1/overview', {}, {} as never, stop) as Promise<Glance>, { every: 20, on: ['ingest.alert.', 'ingest.anomaly.', 'ingest.sync.', 'ingest.quality.', 'ingest.source.', 'ingest.crawl.'] });
  useEffect(() => listen(() => setKeys(true)), []);
  useEffect(() => {
    setOpen(false);
    if (main.current) main.current.scrollTop = 0;
  }, [path.value]);
  const title = trail.at(-1)?.text ?? 'Overview';
  useEffect(() => {
    const n = glance.data?.alerts.all ?? 0;
    document.title = `${n ? `(${n}) ` : ''}${title} · pg_ingest`;
  }, [title, glance.data?.alerts.all]);
  const count: Record<string, [number, string] | undefined> = {
    '#/quality': [(glance.data?.anomalies ?? 0) + (glance.data?.rules.failing ?? 0), 'warn'],
    '#/runs': glance.data?.running ? [glance.data.running, ''] : undefined,
    '#/sinks': [(glance.data?.sinks.interrupted ?? 0) + (glance.data?.sinks.paused ?? 0), 'warn'],
    '#/': [glance.data?.alerts.all ?? 0, 'bad'],
  };
  return (
    <div class="frame">
      <aside class={'side' + (open ? ' open' : '')}>
        <a class="brand" href="#/">
          <img src={`${import.meta.env.BASE_URL}icon.svg`} width={20} height={20} alt="" />
          pg_ingest
        </a>
        <nav aria-label="Pages">
          <ul>
            {PAGES.map(([key, to, name]) => {
              const mine = to === '#/' + room || (to === '#/' && !room);
              const n = count[to];
              return (
                <li key={to}>
                  <a href={to} aria-current={mine ? 'page' : undefined} title={`g ${key}`} onClick={() => setOpen(false)}>
                    <Icon name={name.toLowerCase()} />
                    {name}
                    {n && n[0] > 0 && <span class={'count ' + n[1]}>{n[0]}</span>}
                  </a>
                </li>
              );
            })}
          </ul>
        </nav>
        <div class="under small">
          Press <kbd>?</kbd> for keys
        </div>
      </aside>
      <header class="top">
        <button type="button" class="menu quiet" aria-label="Menu" aria-expanded={open} onClick={() => setOpen(!open)}>
          <Icon name="menu" />
        </button>
        <div class="crumbs">
          {trail.slice(0, -1).map((c) => (
            <span key={c.href}>
              <a href={c.href}>{c.text}</a> <span class="faint">/</span>
            </span>
          ))}
          <h1 title={title}>{title}</h1>
        </div>
        <Search />
        <div class="who">
          <Live />
          <span class="role muted" title={`As role ${session.value?.role} in database ${session.value?.database}`}>
            {session.value?.role}@{session.value?.database}
          </span>
          <button type="button" class="quiet small" onClick={() => logOut().catch(refused)}>
            Log out
          </button>
        </div>
      </header>
      <main ref={main} class={lostSince.value !== null ? 'lost' : ''} aria-label={title}>
        <Lost />
        <Stale />
        {expired.value && away && (
          <div class="banner" role="alert">
            <State tone="warn">Your session has ended</State>
            <span class="grow">What you see is as it was.</span>
            <button type="button" class="primary" onClick={() => setAway(false)}>
              Log in again
            </button>
          </div>
        )}
        <Page />
      </main>
      {keys && <Keys close={() => setKeys(false)} />}
      {expired.value && !away && (
        <Dialog title="Your session has ended" close={() => setAway(true)}>
          <p>Log in again; you stay where you are.</p>
          <Login again />
        </Dialog>
      )}
    </div>
  );
}

export interface Glance {
  at: string;
  role: string;
  database: string;
  copies: { all: number; fresh: number; late: number; without_objective: number; never_loaded: number; paused: number; stopped: number; rejected_rows: number };
  sources: { all: number; paused: number; interrupted: number; check_failed: number; tables: number; queued: number };
  alerts: { all: number; error: number; warning: number; acknowledged: number; silenced: number };
  running: number;
  anomalies: number;
  rules: { all: number; failing: number };
  dead_letters: number;
  sinks: { all: number; paused: number; interrupted: number; behind: number };
}

export function App() {
  useEffect(() => {
    if (location.hash === '') go('/');
  }, []);
  return (
    <>
      {session.value === undefined ? <Waiting /> : session.value === null ? <Login /> : <Frame key={session.value.role} />}
      <Toasts />
    </>
  );
}
