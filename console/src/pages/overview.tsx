// Is my data complete, is it current, can I trust it, what do I do now?
import type { Glance } from '../app';
import { call, list } from '../lib/api';
import { duration, exact, moment, short } from '../lib/format';
import { useQuery } from '../lib/query';
import { link } from '../lib/router';
import { ALERT, ALERT_EMBED, Alerts, type Alert } from '../ui/alerts';
import { Bar, FreshnessStrip } from '../ui/charts';
import { Answered, Empty, Panel, Sql, State, Waiting, Wrong, type Tone } from '../ui/bits';
import { Series } from '../ui/series';
import type { ComponentChildren } from 'preact';

export const FIRST_SOURCE = `CREATE SERVER netsuite FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567_SB1');
SELECT ingest.register_source('erp', 'netsuite', tables => '{customer,transaction,transactionline}');
CALL ingest.crawl('erp');`;
export const FIRST_COPY = `CREATE SCHEMA books;
SELECT ingest.create_sync('erp.transaction', 'books.transaction', history => true, freshness => '15 min');
CALL ingest.sync('books.transaction');`;

function Tile({ n, of, what, tone, href, word }: { n: number; of?: number; what: string; tone: Tone; href: string; word: ComponentChildren }) {
  return (
    <a class="tile" href={href}>
      <span class="muted">{what}</span>
      <b title={exact(n)}>
        {short(n)}
        {of !== undefined && <small> of {short(of)}</small>}
      </b>
      <State tone={tone}>{word}</State>
    </a>
  );
}

export interface Freshness {
  sync_id: number;
  name: string;
  table_id: number;
  target: string;
  state: string;
  fresh: boolean | null;
  age_seconds: number | null;
  freshness_objective_seconds: number | null;
  ages: (number | null)[];
}

export function FreshList({ rows, step }: { rows: Freshness[]; step: number }) {
  return (
    <div class="fresh">
      {rows.map((r) => {
        const late = r.fresh === false;
        const near = !late && !!r.freshness_objective_seconds && (r.age_seconds ?? 0) > 0.8 * r.freshness_objective_seconds;
        const tone: Tone = r.state !== 'active' ? (r.state === 'stopped' ? 'bad' : 'idle') : late ? 'bad' : near ? 'warn' : r.freshness_objective_seconds ? 'ok' : 'idle';
        return (
          <a key={r.sync_id} href={link`/tables/${r.table_id}`}>
            <State tone={tone} title={r.state === 'active' ? (late ? 'later than its objective' : near ? 'near its objective' : 'within its objective') : r.state}>
              <span class="cut">{r.name}</span>
            </State>
            <FreshnessStrip ages={r.ages} objective={r.freshness_objective_seconds} step={step} />
            <span class="age">
              {r.state !== 'active' ? r.state : duration(r.age_seconds)}
              <span class="muted">{r.freshness_objective_seconds ? ` / ${duration(r.freshness_objective_seconds)}` : ''}</span>
            </span>
          </a>
        );
      })}
    </div>
  );
}

const RUNNING = ['id', 'kind', 'name', 'state', 'phase', 'started_at', 'rows_read', 'rows_per_second', 'share_done', 'seconds_left', 'ranges_done', 'ranges'] as const;

export function Running() {
  const runs = useQuery('running', (stop) => list('runs', { select: RUNNING, where: { state: 'eq.running' }, order: 'id.desc', limit: 20 }, stop), { every: 2, on: ['ingest.sync.', 'ingest.run.', 'ingest.rows.'] });
  const all = runs.data;
  // it keeps its place: what is below does not jump whenever a short run begins and ends
  if (!all?.length)
    return (
      <Panel title="Running now">
        <p class="none">{all ? 'No run is under way.' : runs.problem ? runs.problem.message : '…'}</p>
      </Panel>
    );
  return (
    <Panel title="Running now">
      <ul class="items">
        {all.map((r) => (
          <li key={r.id} class="row">
            <State tone="busy">{r.kind}</State>
            <a class="cut" href={link`/runs/${r.id ?? 0}`}>
              {r.name}
            </a>
            <span class="muted">{r.phase}</span>
            <span class="grow" style={{ minWidth: '80px' }}>
              <Bar value={r.share_done} label={r.share_done === null ? 'It is not known how much is done' : `${Math.round(r.share_done * 100)} % done`} tone="busy" width="100%" />
            </span>
            <span class="num nowrap">
              {r.share_done !== null && `${Math.floor(r.share_done * 100)} %`}
              <span class="muted">
                {' '}
                {short(r.rows_per_second)} rows/s{r.seconds_left !== null && `, ${duration(r.seconds_left)} left`}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

export interface Active {
  at: string;
  runs: number;
  failed: number;
  seconds: number;
  rows_read: number;
  rows_inserted: number;
  rows_updated: number;
  rows_deleted: number;
  rows_rejected: number;
}

export function Changed({ rows, label }: { rows: Active[]; label: string }) {
  return (
    <Series
      label={label}
      stacked
      at={rows.map((r) => moment(r.at) ?? 0)}
      lines={[
        { label: 'inserted', color: '--ok-fill', values: rows.map((r) => r.rows_inserted) },
        { label: 'updated', color: '--busy-fill', values: rows.map((r) => r.rows_updated) },
        { label: 'deleted', color: '--warn-fill', values: rows.map((r) => r.rows_deleted) },
      ]}
    />
  );
}

export function Overview() {
  const glance = useQuery('overview', (stop) => call('/v1/overview', {}, {} as never, stop) as Promise<Glance>, { every: 20, on: ['ingest.alert.', 'ingest.anomaly.', 'ingest.sync.', 'ingest.quality.', 'ingest.source.', 'ingest.crawl.'] });
  const g = glance.data;
  const alerts = useQuery('alerts', (stop) => list<'alerts', (typeof ALERT)[number], Alert>('alerts', { select: ALERT, embed: ALERT_EMBED, where: { closed_at: 'is.null' }, order: 'severity,opened_at.desc', limit: 200 }, stop), {
    every: 60,
    on: ['ingest.alert.'],
  });
  const fresh = useQuery('freshness', (stop) => call('/v1/freshness', {}, { limit: 12 } as never, stop) as unknown as Promise<Freshness[]>, { every: 30, on: ['ingest.sync.completed', 'ingest.run.failed'] });
  const active = useQuery('activity', (stop) => call('/v1/activity', {}, {} as never, stop) as unknown as Promise<Active[]>, { every: 60, on: ['ingest.rows.changed'] });

  if (glance.problem && !g) return <Wrong problem={glance.problem} retry={glance.reload} />;
  if (!g) return <Waiting lines={6} />;
  if (g.sources.all === 0)
    return (
      <section class="panel">
        <Empty title="No source yet">
          <p>A source is a foreign server that is registered: NetSuite, another database, files. Three statements make one, in psql:</p>
          <Sql text={FIRST_SOURCE} label="Register a source and see what it holds" />
          <p>Then copy what you need. This page shows how current, how complete and how sound the copies are.</p>
          <Sql text={FIRST_COPY} label="Keep a copy of a table" />
        </Empty>
      </section>
    );
  const c = g.copies;
  const unwell = c.late + c.stopped;
  return (
    <>
      <div class="tiles">
        <Tile what="Copies within objective" n={c.fresh} of={c.all} href="#/tables?state=copied" tone={unwell ? 'bad' : c.all ? 'ok' : 'idle'} word={unwell ? `${short(c.late)} late${c.stopped ? `, ${c.stopped} stopped` : ''}` : c.paused ? `${c.paused} paused` : c.all ? 'all current' : 'none yet'} />
        <Tile what="Open alerts" n={g.alerts.all} href="#/quality?tab=alerts" tone={g.alerts.error ? 'bad' : g.alerts.all ? 'warn' : 'ok'} word={g.alerts.all ? `${g.alerts.error} errors, ${g.alerts.warning} warnings` : 'nothing is wrong'} />
        <Tile what="Active runs" n={g.running} href="#/runs?state=running" tone={g.running ? 'busy' : 'idle'} word={g.sources.queued ? `${short(g.sources.queued)} wait` : 'none waits'} />
        <Tile what="Rejected rows" n={c.rejected_rows} href="#/tables?state=rejected" tone={c.rejected_rows ? 'warn' : 'ok'} word={c.rejected_rows ? 'do not fit' : 'all rows fit'} />
        <Tile what="Anomalies and rules" n={g.anomalies + g.rules.failing} href="#/quality" tone={g.rules.failing ? 'bad' : g.anomalies ? 'warn' : 'ok'} word={g.anomalies + g.rules.failing ? `${short(g.anomalies)} odd, ${g.rules.failing} failing` : 'nothing odd'} />
        <Tile what="Waiting for sinks" n={g.sinks.behind} href="#/sinks" tone={g.sinks.interrupted ? 'bad' : g.sinks.behind ? 'warn' : 'ok'} word={g.sinks.interrupted ? `${g.sinks.interrupted} unavailable` : g.sinks.all ? 'all delivered' : 'no sink'} />
      </div>
      <Running />
      <div class="columns">
        <div style={{ display: 'grid', gap: '12px' }}>
          <Panel title="Freshness, last 24 hours" aside={<a href="#/tables?state=copied">All copies</a>}>
            {fresh.problem && !fresh.data ? (
              <Wrong problem={fresh.problem} retry={fresh.reload} />
            ) : !fresh.data ? (
              <Waiting />
            ) : fresh.data.length ? (
              <FreshList rows={fresh.data} step={1800} />
            ) : (
              <Empty title="No copy yet">
                <Sql text={FIRST_COPY} label="Keep a copy of a table" />
              </Empty>
            )}
          </Panel>
          <Panel title="Rows changed per hour"><Answered of={active} lines={4}>{(rows) => <Changed rows={rows} label="Rows changed per hour" />}</Answered></Panel>
        </div>
        <Panel class="first" title="Alerts" aside={<a href="#/quality?tab=alerts">All{g.alerts.all > 1 && ` ${exact(g.alerts.all)}`}</a>}>
          {alerts.problem && !alerts.data ? (
            <Wrong problem={alerts.problem} retry={alerts.reload} />
          ) : !alerts.data ? (
            <Waiting />
          ) : alerts.data.length ? (
            <Alerts alerts={alerts.data} brief />
          ) : (
            <p class="none">
              <State tone="ok">Nothing is wrong</State>
            </p>
          )}
        </Panel>
      </div>
    </>
  );
}
