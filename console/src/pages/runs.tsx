// What was done, how it ended, and what to do where it failed
import { act, anyOf, call, list, one, type Row } from '../lib/api';
import { absolute, clock, duration, literal, moment, plain, short } from '../lib/format';
import { useQuery } from '../lib/query';
import { go, link, param, withQuery } from '../lib/router';
import { may } from '../lib/session';
import { Act, Badge, Choice, Empty, Facts, Filter, Num, Panel, runTone, Span, Sql, State, Tabs, Waiting, When, Wrong } from '../ui/bits';
import { Bar, RunStrip, type Ran } from '../ui/charts';
import { useName } from '../ui/crumbs';
import { Series } from '../ui/series';
import { Table, useServer, type Col } from '../ui/table';
import type { Active } from './overview';

const RUN = ['id', 'kind', 'name', 'source_id', 'sync_id', 'job_id', 'state', 'left_out', 'phase', 'started_at', 'finished_at', 'duration_seconds', 'ranges_done', 'ranges', 'rows_read', 'rows_inserted', 'rows_updated', 'rows_deleted', 'rows_rejected', 'rows_per_second', 'share_done', 'seconds_left', 'attempt', 'error_class', 'sqlstate', 'error', 'detail', 'hint'] as const;
type Run = Row<'runs', (typeof RUN)[number]> & { source: { name: string } | null; sync: { name: string; table_id: number; state: string } | null; job: { name: string } | null };
const EMBED = 'source:sources(name),sync:syncs(name,table_id,state),job:jobs(name)';
const HEARD = ['ingest.sync.', 'ingest.run.', 'ingest.crawl.', 'ingest.profile.', 'ingest.source.checked', 'ingest.job.'] as const;

export function Runs() {
  const tab = param('tab', 'runs');
  return (
    <>
      <Tabs
        tabs={[
          { id: 'runs', label: 'Runs' },
          { id: 'jobs', label: 'Jobs' },
          { id: 'dead', label: 'Given up' },
        ]}
      />
      {tab === 'jobs' ? <Jobs /> : tab === 'dead' ? <Dead /> : <RunList />}
    </>
  );
}

function RunList() {
  const q = param('q');
  const state = param('state');
  const kind = param('kind');
  const active = useQuery('activity', (stop) => call('/v1/activity', {}, {} as never, stop) as unknown as Promise<Active[]>, { every: 60, on: ['ingest.rows.changed'] });
  const cols: Col<Run>[] = [
    { id: 'name', head: 'Run', cell: (r) => <span>{r.name ?? r.kind}</span> },
    { id: 'state', head: 'Outcome', width: 170, cell: (r) => <State tone={runTone(r.state)} title={r.error ?? undefined}>{r.state}{r.error_class && r.state === 'failed' ? `: ${r.error_class}` : ''}</State>, by: 'state' },
    { id: 'kind', head: 'Kind', width: 80, above: 640, cell: (r) => <Badge>{r.kind}</Badge>, by: 'kind' },
    { id: 'started', head: 'Began', width: 100, above: 420, cell: (r) => <When at={r.started_at} />, by: 'started_at' },
    { id: 'took', head: 'Took', width: 84, right: true, above: 480, cell: (r) => <Span s={r.duration_seconds} />, by: 'duration_seconds' },
    { id: 'read', head: 'Read', width: 76, right: true, above: 760, cell: (r) => <Num n={r.rows_read} unit="rows" />, by: 'rows_read' },
    { id: 'inserted', head: 'Inserted', width: 84, right: true, above: 900, cell: (r) => <Num n={r.rows_inserted} />, by: 'rows_inserted' },
    { id: 'updated', head: 'Updated', width: 84, right: true, above: 900, cell: (r) => <Num n={r.rows_updated} />, by: 'rows_updated' },
    { id: 'deleted', head: 'Deleted', width: 84, right: true, above: 980, cell: (r) => <Num n={r.rows_deleted} />, by: 'rows_deleted' },
    { id: 'rejected', head: 'Rejected', width: 84, right: true, above: 1040, cell: (r) => (r.rows_rejected ? <State tone="warn"><Num n={r.rows_rejected} /></State> : <span class="faint">0</span>), by: 'rows_rejected' },
    { id: 'id', head: 'Number', width: 84, right: true, above: 1120, cell: (r) => <span class="muted num">{r.id}</span>, by: 'id' },
  ];
  const rows = useServer<'runs', (typeof RUN)[number], { source: { name: string } | null; sync: { name: string; table_id: number; state: string } | null; job: { name: string } | null }>(
    'runs',
    { select: RUN, embed: EMBED, where: { or: anyOf(['name', 'kind', 'error'], q), state: state === 'failed' ? 'in.(failed,lost)' : state === 'with' ? 'like.succeeded with*' : state ? `eq.${state}` : null, kind: kind ? `eq.${kind}` : null } },
    cols,
    { otherwise: 'id.desc', on: HEARD, every: 10 },
  );
  return (
    <>
      {active.data && (
        <Panel title="Runs per hour, last 24 hours">
          <Series
            label="Runs per hour"
            stacked
            height={96}
            at={active.data.map((r) => moment(r.at) ?? 0)}
            lines={[
              { label: 'failed', color: '--bad-fill', values: active.data.map((r) => r.failed) },
              { label: 'others', color: '--idle-fill', values: active.data.map((r) => r.runs - r.failed) },
            ]}
          />
        </Panel>
      )}
      <div class="bar-of">
        <Filter label="Filter by name or error" />
        <Choice
          name="state"
          label="Outcome"
          options={[
            ['', 'any'],
            ['running', 'running'],
            ['failed', 'failed'],
            ['with', 'left something out'],
            ['succeeded', 'succeeded'],
            ['cancelled', 'cancelled'],
          ]}
        />
        <Choice name="kind" label="Kind" options={[['', 'any'], ...['sync', 'export', 'crawl', 'check', 'profile', 'quality', 'sql'].map((k): [string, string] => [k, k])]} />
      </div>
      <Table
        label="Runs"
        fill
        foot
        cols={cols}
        rows={rows}
        href={(r) => link`/runs/${r.id ?? 0}`}
        key_={(r) => r.id ?? 0}
        empty={
          q || state || kind ? (
            <p class="none">No run is like that.</p>
          ) : (
            <Empty title="Nothing has run yet">
              <p>A run is a crawl of a source, a copy being brought up to date, a profile, a check. By hand:</p>
              <Sql text="CALL ingest.sync('books.transaction');" />
              <p>Or by a job with a schedule:</p>
              <Sql text={"SELECT ingest.create_job('books', 'sync', 'books.transaction');\nSELECT ingest.schedule('books', '*/15 * * * *');"} />
            </Empty>
          )
        }
      />
    </>
  );
}

const CLASSES: Record<string, string> = {
  throttled: 'The source refused for now. It is tried again by itself, at growing intervals.',
  passing: 'It may pass: network, a deadlock, a timeout. It is tried again by itself.',
  busy: 'Something that it needs was in use. It is tried again by itself, and does not count as an attempt.',
  login: 'Login or permission. It is not tried again by itself: fix the user mapping or the role, then run it again.',
  schema: 'Something has changed at the source. A crawl follows; then it is tried again.',
  cancelled: 'Somebody stopped it.',
  lasting: 'It fails the same way each time. Fix what it reports, then run it again.',
};

export function RunPage({ id }: { id: string }) {
  const run = useQuery('run ' + id, (stop) => one<'runs', (typeof RUN)[number], Pick<Run, 'source' | 'sync' | 'job'>>('runs', { select: RUN, embed: EMBED, where: { id: `eq.${/^\d+$/.test(id) ? id : 0}` } }, stop), { every: 2, on: HEARD });
  const log = useQuery('log ' + id, (stop) => list('run_logs', { select: ['id', 'at', 'level', 'message', 'detail'], where: { run_id: `eq.${/^\d+$/.test(id) ? id : 0}` }, order: 'id', limit: 1000 }, stop), { every: run.data?.state === 'running' ? 2 : 30 });
  const r = run.data;
  const others = useQuery(
    `others ${r?.sync_id ?? ''} ${r?.job_id ?? ''}`,
    (stop) => list('runs', { select: ['id', 'state', 'duration_seconds', 'started_at'], where: r?.sync_id ? { sync_id: `eq.${r.sync_id}` } : { job_id: `eq.${r?.job_id}` }, order: 'id.desc', limit: 30 }, stop),
    { off: !r || (!r.sync_id && !r.job_id), on: HEARD },
  );
  useName(r ? `${r.name ?? r.kind} ${r.id}` : null);
  if (run.problem && !r) return <Wrong problem={run.problem} retry={run.reload} />;
  if (r === undefined) return <Waiting lines={6} />;
  if (r === null)
    return (
      <section class="panel">
        <Empty title="There is no such run">
          <p>Runs are kept for ingest.run_retention, by default 30 days.</p>
        </Empty>
      </section>
    );
  const can = may('operate');
  const failed = r.state === 'failed' || r.state === 'lost';
  const newer = others.data?.find((o) => (o.id ?? 0) > (r.id ?? 0));
  return (
    <>
      <div class="head-of">
        <div class="grow">
          <h2>{r.name ?? r.kind}</h2>
          <div class="row muted">
            <State tone={runTone(r.state)}>{r.state}</State>
            <Badge>{r.kind}</Badge>
            <span>
              began <When at={r.started_at} />
              {r.finished_at ? `, took ${duration(r.duration_seconds)}` : ''}
            </span>
            {(r.attempt ?? 1) > 1 && <span>try {r.attempt}</span>}
            {r.source && <a href={link`/sources/${r.source_id ?? 0}`}>{r.source.name}</a>}
            {r.sync && <a href={link`/tables/${r.sync.table_id}`}>{r.sync.name}</a>}
          </div>
        </div>
        {can && (
          <div class="do">
            {r.state === 'running' && (
              <Act title="It is told to stop" sure="The run stops at the next opportunity. What it committed stays, and it is not tried again by itself." does={() => act('/v1/runs/{run}/cancel', { run: String(r.id) }, {})} done="It is told to stop">
                Cancel
              </Act>
            )}
            {r.state !== 'running' && (r.sync || r.job) && (
              <Act
                primary={failed}
                title={`Puts a run of ${r.sync?.name ?? r.job?.name} into the queue`}
                does={() => (r.sync ? act('/v1/syncs/{sync}/run', { sync: r.sync.name }, {}) : act('/v1/jobs/{job}/run', { job: r.job!.name }, {}))}
                done="Put into the queue; it appears among the runs when it begins"
              >
                Run again
              </Act>
            )}
          </div>
        )}
      </div>
      {r.state === 'running' && (
        <section class="panel pad" style={{ paddingTop: '12px' }}>
          <div class="row">
            <span>{r.phase}</span>
            <span class="grow">
              <Bar value={r.share_done} tone="busy" width="100%" label={r.share_done === null ? 'It is not known how much is done' : `${Math.round(r.share_done * 100)} % done`} />
            </span>
            <span class="num">
              {r.share_done !== null && `${Math.floor(r.share_done * 100)} %`} <span class="muted">{short(r.rows_per_second)} rows/s{r.seconds_left !== null && `, ${duration(r.seconds_left)} left`}</span>
            </span>
          </div>
        </section>
      )}
      {(r.error || failed) && (
        <Panel title="Why it failed" aside={newer && <span>A later run: <a href={link`/runs/${newer.id ?? 0}`}>{newer.state}</a></span>}>
          <div class="wrong">
            <State tone="bad">{r.error ?? (r.state === 'lost' ? 'Its process died' : 'The error is shown to the owner')}</State>
            {r.detail && <p class="muted">{r.detail}</p>}
            {r.hint && (
              <p>
                <b>What to do: </b>
                {r.hint}
              </p>
            )}
            {r.error_class && <p>{CLASSES[r.error_class]}</p>}
            <p class="muted small">
              {r.error_class} {r.sqlstate && <>· SQLSTATE {r.sqlstate}</>} · run {r.id}
            </p>
          </div>
        </Panel>
      )}
      <div class="columns">
        <Panel title="Log" aside={<span>{log.data ? short(log.data.length) : ''} lines</span>}>
          {log.data?.length ? (
            <div class="log" tabIndex={0} role="region" aria-label="Log">
              {log.data.map((l) => (
                <div key={l.id} class={l.level ?? ''}>
                  <time class="muted" dateTime={l.at ?? ''} title={absolute(l.at)}>
                    {clock(moment(l.at) ?? 0)}
                  </time>
                  <span>{l.level}</span>
                  <span>
                    {l.message}
                    {l.detail !== null && l.detail !== undefined && <span class="muted"> {plain(l.detail)}</span>}
                  </span>
                </div>
              ))}
            </div>
          ) : log.problem ? (
            <Wrong problem={log.problem} retry={log.reload} />
          ) : (
            <p class="none">It logged nothing.</p>
          )}
        </Panel>
        <Panel title="In numbers">
          <Facts
            facts={[
              ['Read', <Num n={r.rows_read} unit="rows" />],
              ['Inserted', <Num n={r.rows_inserted} unit="rows" />],
              ['Updated', <Num n={r.rows_updated} unit="rows" />],
              ['Deleted', <Num n={r.rows_deleted} unit="rows" />],
              ['Rejected', <Num n={r.rows_rejected} unit="rows" />],
              ['Rows per second', <Num n={r.rows_per_second} />],
              r.ranges ? ['Ranges', `${short(r.ranges_done)} of ${short(r.ranges)}`] : null,
              r.left_out ? ['Left out', ((r.left_out ?? []) as string[]).join(', ')] : null,
              ['Began', <span class="small">{absolute(r.started_at)}</span>],
              others.data && others.data.length > 1 ? ['Runs of it', <a href={withQuery('#/runs', { q: r.name })}><RunStrip runs={[...others.data].reverse() as Ran[]} /></a>] : null,
            ]}
          />
          <div class="pad">
            <Sql label="By SQL" text={`SELECT * FROM ingest.run_status WHERE run = ${r.id};\nSELECT at, level, message FROM ingest.run_log WHERE run = ${r.id} ORDER BY id;${r.sync ? `\nCALL ingest.sync(${literal(r.sync.name)});` : ''}`} />
          </div>
        </Panel>
      </div>
    </>
  );
}

const JOB = ['id', 'name', 'kind', 'source_id', 'owner', 'priority', 'schedule', 'scheduler', 'zone', 'next_due', 'overdue_seconds', 'queued_seconds', 'running', 'waits_for', 'last_run_id', 'last_state', 'last_started_at', 'last_seconds', 'last_error', 'dead_letters'] as const;
type Job = Row<'jobs', (typeof JOB)[number]> & { runs: Ran[] };

function Jobs() {
  const q = param('q');
  const can = may('operate');
  const cols: Col<Job>[] = [
    { id: 'name', head: 'Job', cell: (j) => j.name, by: 'name' },
    { id: 'kind', head: 'Kind', width: 80, above: 700, cell: (j) => <Badge>{j.kind}</Badge>, by: 'kind' },
    { id: 'schedule', head: 'Schedule', width: 130, above: 620, cell: (j) => (j.schedule ? <span class="mono" title={`by ${j.scheduler}${j.zone ? ', ' + j.zone : ''}`}>{j.schedule}</span> : <span class="faint">none</span>), by: 'schedule' },
    { id: 'due', head: 'Due', width: 100, above: 760, cell: (j) => <When at={j.next_due} />, by: 'next_due' },
    { id: 'runs', head: 'Last 30 runs', width: 146, above: 860, cell: (j) => <RunStrip runs={[...j.runs].reverse()} /> },
    { id: 'last', head: 'Last', width: 130, cell: (j) => (j.last_run_id ? <a href={link`/runs/${j.last_run_id}`}><State tone={runTone(j.last_state)} title={j.last_error ?? undefined}>{j.last_state}</State></a> : <span class="faint">not run yet</span>), by: 'last_state' },
    { id: 'now', head: 'Now', above: 540, cell: (j) => (j.running ? <State tone="busy">running</State> : <span class="muted" title={j.waits_for ?? undefined}>{j.waits_for ?? 'waits for its time'}</span>) },
    ...(can
      ? [
          {
            id: 'do',
            head: '',
            width: 76,
            cell: (j: Job) => (
              <Act quiet title={`Puts ${j.name} into the queue`} does={() => act('/v1/jobs/{job}/run', { job: j.name ?? '' }, {})} done="Put into the queue">
                Run
              </Act>
            ),
          } satisfies Col<Job>,
        ]
      : []),
  ];
  const rows = useServer<'jobs', (typeof JOB)[number], { runs: Ran[] }>('jobs', { select: JOB, embed: 'runs(id,state,duration_seconds)', where: { or: anyOf(['name', 'kind', 'owner'], q), 'runs.order': 'id.desc', 'runs.limit': 30 } }, cols, { otherwise: 'name,id', on: HEARD, every: 10 });
  return (
    <>
      <div class="bar-of">
        <Filter label="Filter jobs" />
      </div>
      <Table
        label="Jobs"
        fill
        foot
        cols={cols}
        rows={rows}
        open={(j) => go(withQuery('#/runs', { q: j.name }))}
        key_={(j) => j.id ?? 0}
        empty={
          q ? undefined : (
            <Empty title="No job yet">
              <p>A job keeps something current by a schedule, as its owner:</p>
              <Sql text={"SELECT ingest.create_job('books', 'sync', 'books.transaction');\nSELECT ingest.schedule('books', '*/15 * * * *');"} />
            </Empty>
          )
        }
      />
    </>
  );
}

const DEAD = ['id', 'job_id', 'attempts', 'run_id', 'reason', 'died_at', 'requeued_at'] as const;
type D = Row<'dead_letters', (typeof DEAD)[number]> & { job: { name: string } | null };

function Dead() {
  const can = may('operate');
  const cols: Col<D>[] = [
    { id: 'job', head: 'Job', width: 180, cell: (d) => d.job?.name ?? d.job_id },
    { id: 'reason', head: 'Reason', cell: (d) => <span title={d.reason ?? ''}>{d.reason}</span> },
    { id: 'attempts', head: 'Tries', width: 64, right: true, above: 560, cell: (d) => <Num n={d.attempts} /> },
    { id: 'died', head: 'Given up', width: 110, cell: (d) => <When at={d.died_at} />, by: 'died_at' },
    { id: 'run', head: 'Run', width: 80, above: 640, cell: (d) => (d.run_id ? <a href={link`/runs/${d.run_id}`}>{d.run_id}</a> : null) },
    {
      id: 'do',
      head: '',
      width: 110,
      cell: (d) =>
        d.requeued_at ? (
          <span class="muted small">put back</span>
        ) : can ? (
          <Act quiet title="The job is put back into the queue" does={() => act('/v1/dead_letters/{dead_letter}/retry', { dead_letter: String(d.id) }, {})} done="Put back into the queue">
            Retry
          </Act>
        ) : null,
    },
  ];
  const rows = useServer<'dead_letters', (typeof DEAD)[number], { job: { name: string } | null }>('dead_letters', { select: DEAD, embed: 'job:jobs(name)' }, cols, { otherwise: 'id.desc', on: ['ingest.job.'], every: 20 });
  return <Table label="Jobs that were given up" fill foot cols={cols} rows={rows} key_={(d) => d.id ?? 0} empty={<p class="none">No job was given up: each that fails in passing is tried again, and what fails for good stands here.</p>} />;
}
