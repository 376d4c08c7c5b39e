// Where data come from: whether they can be had, how hard it is asked, what changed there
import { act, call, list, one, page, type Row } from '../lib/api';
import { bytes, exact, moment, share, short } from '../lib/format';
import { useQuery } from '../lib/query';
import { link, param, withQuery } from '../lib/router';
import { may } from '../lib/session';
import { Act, Answered, Badge, Empty, Facts, Filter, Num, Panel, Span, Sql, State, Tabs, Waiting, When, Wrong, type Tone } from '../ui/bits';
import { Bar, RunStrip, type Ran } from '../ui/charts';
import { useName } from '../ui/crumbs';
import { Series } from '../ui/series';
import { Table, useLocal, type Col } from '../ui/table';
import { Changed, FIRST_SOURCE, FreshList, type Active, type Freshness } from './overview';
import { TableList } from './tables';

const COLUMNS = ['id', 'name', 'server', 'owner', 'state', 'circuit', 'circuit_reason', 'circuit_retry_at', 'last_check_at', 'last_check_ok', 'last_crawl_at', 'tables', 'syncs', 'stopped', 'queued', 'queued_seconds', 'running', 'rejected', 'anomalies', 'dead_letters', 'last_error', 'last_error_class', 'last_error_at'] as const;
type S = Row<'sources', (typeof COLUMNS)[number]>;

export function sourceTone(s: S): [Tone, string] {
  if (s.state === 'paused') return ['idle', 'paused'];
  if (s.circuit && s.circuit !== 'closed') return ['bad', s.circuit === 'open' ? 'interrupted' : 'trying again'];
  if (s.last_check_ok === false) return ['bad', 'check failed'];
  if (s.stopped) return ['warn', `${s.stopped} stopped`];
  if (s.last_check_ok === null && s.last_crawl_at === null) return ['idle', 'not looked at yet'];
  return ['ok', 'available'];
}

export function Sources() {
  const sources = useQuery('sources', (stop) => list<'sources', (typeof COLUMNS)[number], { runs: Ran[] }>('sources', { select: COLUMNS, embed: 'runs(id,state,duration_seconds)', where: { 'runs.order': 'id.desc', 'runs.limit': 30 }, order: 'name', limit: 1000 }, stop), {
    every: 20,
    on: ['ingest.source.', 'ingest.circuit.', 'ingest.crawl.', 'ingest.sync.'],
  });
  const cols: Col<S & { runs: Ran[] }>[] = [
    { id: 'name', head: 'Source', cell: (s) => s.name, by: (s) => s.name },
    { id: 'state', head: 'State', width: 150, cell: (s) => ((t) => <State tone={t[0]} title={s.circuit_reason ?? s.last_error ?? undefined}>{t[1]}</State>)(sourceTone(s)), by: (s) => sourceTone(s)[1] },
    { id: 'server', head: 'Server', width: 130, above: 900, cell: (s) => <span class="muted">{s.server}</span>, by: (s) => s.server },
    { id: 'runs', head: 'Last 30 runs', width: 146, above: 560, cell: (s) => <RunStrip runs={[...s.runs].reverse()} /> },
    { id: 'tables', head: 'Tables', width: 80, right: true, cell: (s) => <Num n={s.tables} />, by: (s) => s.tables },
    { id: 'syncs', head: 'Copies', width: 80, right: true, above: 480, cell: (s) => <Num n={s.syncs} />, by: (s) => s.syncs },
    { id: 'running', head: 'Running', width: 80, right: true, above: 1000, cell: (s) => <Num n={s.running} />, by: (s) => s.running },
    { id: 'queued', head: 'Waiting', width: 80, right: true, above: 1000, cell: (s) => <Num n={s.queued} />, by: (s) => s.queued },
    { id: 'anomalies', head: 'Odd', width: 64, right: true, above: 800, cell: (s) => (s.anomalies ? <a href={withQuery('#/quality', { q: s.name })}><Num n={s.anomalies} /></a> : <span class="faint">0</span>), by: (s) => s.anomalies },
    { id: 'crawl', head: 'Looked at', width: 110, above: 700, cell: (s) => <When at={s.last_crawl_at} />, by: (s) => s.last_crawl_at },
  ];
  const q = param('q').toLowerCase();
  const rows = useLocal(sources.data?.filter((s) => !q || `${s.name} ${s.server} ${s.owner}`.toLowerCase().includes(q)), cols, sources);
  return (
    <>
      <div class="bar-of">
        <Filter label="Filter sources" />
      </div>
      <Table
        label="Sources"
        fill
        foot
        cols={cols}
        rows={rows}
        href={(s) => link`/sources/${s.id ?? 0}`}
        key_={(s) => s.id ?? 0}
        empty={
          q ? undefined : (
            <Empty title="No source yet">
              <p>A source is a foreign server that is registered. Three statements make one, in psql:</p>
              <Sql text={FIRST_SOURCE} label="Register a source and see what it holds" />
            </Empty>
          )
        }
      />
    </>
  );
}

interface Check {
  check: string;
  ok: boolean;
  detail: string | null;
  hint?: string | null;
}
interface Traffic {
  day: string;
  requests: number;
  retries: number;
  refusals: number;
  bytes: number;
  waited_seconds: number;
  slots_in_use: number;
  slots: number;
}

export function Source({ id }: { id: string }) {
  const source = useQuery('source ' + id, (stop) => one('sources', { select: COLUMNS, where: /^\d+$/.test(id) ? { id: `eq.${id}` } : { name: `eq.${id}` } }, stop), { every: 10, on: ['ingest.source.', 'ingest.circuit.', 'ingest.crawl.', 'ingest.sync.'] });
  const s = source.data;
  useName(s?.name);
  if (source.problem && !s) return <Wrong problem={source.problem} retry={source.reload} />;
  if (s === undefined) return <Waiting lines={6} />;
  if (s === null) return <section class="panel"><Empty title="There is no such source"><p>It was dropped, or you may not see it.</p></Empty></section>;
  return <SourceOf s={s} />;
}

function SourceOf({ s }: { s: S }) {
  const name = s.name ?? '';
  const number = s.id ?? 0;
  const tab = param('tab', 'how');
  const [tone, word] = sourceTone(s);
  const can = may('operate');
  return (
    <>
      <div class="head-of">
        <div>
          <h2>{name}</h2>
          <div class="row muted">
            <State tone={tone}>{word}</State>
            <span>server {s.server}</span>
            <span>of {s.owner}</span>
            <span>
              looked at <When at={s.last_crawl_at} />
            </span>
          </div>
        </div>
        {can && (
          <div class="do">
            <Act title="Connection, login and permissions are checked; the result appears here" does={() => act('/v1/sources/{source}/check', { source: name }, {})} done="A check was put into the queue">
              Check
            </Act>
            <Act title="The source is crawled: new tables and columns, other types" does={() => act('/v1/sources/{source}/crawl', { source: name }, {})} done="A crawl was put into the queue">
              Crawl
            </Act>
            {s.state === 'paused' || (s.circuit && s.circuit !== 'closed') ? (
              <Act primary title="Jobs on this source are begun again, and its breaker is closed" does={() => act('/v1/sources/{source}/resume', { source: name }, {})} done="Resumed">
                Resume
              </Act>
            ) : (
              <Act title="No job on this source is begun until it is resumed" does={() => act('/v1/sources/{source}/pause', { source: name }, {})} done="Paused">
                Pause
              </Act>
            )}
          </div>
        )}
      </div>
      <Tabs
        tabs={[
          { id: 'how', label: 'How it is' },
          { id: 'tables', label: 'Tables', count: s.tables },
          { id: 'drift', label: 'Drift' },
        ]}
      />
      {tab === 'tables' ? <TableList source={number} /> : tab === 'drift' ? <Drift source={number} /> : <How s={s} />}
    </>
  );
}

function How({ s }: { s: S }) {
  const name = s.name ?? '';
  const checked = useQuery('checked ' + s.id, (stop) => list('events', { select: ['time', 'data'], where: { type: 'eq.ingest.source.checked', source_id: `eq.${s.id}` }, order: 'id.desc', limit: 1 }, stop), { on: ['ingest.source.checked'] });
  const traffic = useQuery('traffic ' + s.id, (stop) => call('/v1/sources/{source}/traffic', { source: name }, {} as never, stop) as Promise<Traffic[]>, { every: 5 });
  const fresh = useQuery('freshness of ' + s.id, (stop) => call('/v1/freshness', {}, { source: name, limit: 12 } as never, stop) as unknown as Promise<Freshness[]>, { every: 30, on: ['ingest.sync.completed'] });
  const active = useQuery('activity of ' + s.id, (stop) => call('/v1/activity', {}, { source: name } as never, stop) as unknown as Promise<Active[]>, { every: 60, on: ['ingest.rows.changed'] });
  const last = checked.data?.[0];
  const checks = ((last?.data as { checks?: Check[] } | undefined)?.checks ?? []) as Check[];
  const today = traffic.data?.at(-1);
  return (
    <>
      {(s.last_error || s.circuit_reason) && tone(s) && (
        <Panel title="What is wrong" aside={<When at={s.last_error_at} />}>
          <div class="wrong">
            <State tone="bad">{s.last_error_class ?? 'error'}</State>
            <p>{s.circuit_reason ?? s.last_error}</p>
            {s.circuit_retry_at && s.circuit !== 'closed' && (
              <p>
                It is tried again by itself <When at={s.circuit_retry_at} />; Resume tries at once.
              </p>
            )}
          </div>
        </Panel>
      )}
      <div class="columns">
        <div style={{ display: 'grid', gap: '12px', minWidth: 0 }}>
        <Panel title="Freshness of its copies, last 24 hours"><Answered of={fresh}>{(rows) => (rows.length ? <FreshList rows={rows} step={1800} /> : <p class="none">Nothing from it is copied yet.</p>)}</Answered></Panel>
      {today && (
        <Panel title="Requests" aside={<span class="small">counted by the connector, of all sessions, today (UTC)</span>}>
          <Facts
            facts={[
              ['Slots in use', <><Bar value={today.slots_in_use / (today.slots || 1)} tone="busy" label={`${today.slots_in_use} of ${today.slots}`} /> {today.slots_in_use} of {today.slots}</>],
              ['Requests', <Num n={today.requests} />],
              ['Retries', <><Num n={today.retries} /> <span class="muted">{share(today.requests ? today.retries / today.requests : 0)}</span></>],
              ['Refusals', <Num n={today.refusals} />],
              ['Received', <span title={exact(today.bytes) + ' bytes'}>{bytes(today.bytes)}</span>],
              ['Waited', <Span s={today.waited_seconds} />],
            ]}
          />
          {(traffic.data?.length ?? 0) > 1 && (
            <Series label="Requests per day" at={traffic.data!.map((t) => moment(t.day) ?? 0)} height={110} stacked lines={[{ label: 'requests', color: '--busy-fill', values: traffic.data!.map((t) => t.requests) }]} />
          )}
        </Panel>
      )}
        </div>
        <Panel title="Check" aside={last && <When at={last.time} />}>
          {checks.length ? (
            <ul class="items checks">
              {[...checks].sort((a, b) => Number(a.ok) - Number(b.ok)).map((c, i) => (
                <li key={i}>
                  <span class="plain">
                    <State tone={c.ok ? 'ok' : 'bad'}>{c.check}</State>
                  </span>
                  <span class={c.ok ? 'muted small cut' : 'bad-text'} title={c.detail ?? ''}>
                    {c.detail}
                  </span>
                  {!c.ok && c.hint && <p class="what">{c.hint}</p>}
                </li>
              ))}
            </ul>
          ) : (
            <div class="pad">
              <Facts facts={[['Last check', <When at={s.last_check_at} />], ['Result', s.last_check_ok === null ? <span class="muted">not checked yet</span> : <State tone={s.last_check_ok ? 'ok' : 'bad'}>{s.last_check_ok ? 'all in order' : 'failed'}</State>]]} />
              <p class="muted">Check asks the source for address, login, permissions and clock, and tells what to do.</p>
            </div>
          )}
        </Panel>
      </div>
      <div class="halves">
        <Panel title="Rows changed per hour"><Answered of={active} lines={4}>{(rows) => <Changed rows={rows} label="Rows changed per hour" />}</Answered></Panel>
        <Panel title="Runs per hour">
          <Answered of={active} lines={4}>
            {(rows) => (
              <Series
                label="Runs per hour"
                stacked
                at={rows.map((r) => moment(r.at) ?? 0)}
                lines={[
                  { label: 'failed', color: '--bad-fill', values: rows.map((r) => r.failed) },
                  { label: 'others', color: '--idle-fill', values: rows.map((r) => r.runs - r.failed) },
                ]}
              />
            )}
          </Answered>
        </Panel>
      </div>
      <Panel title="In numbers">
        <Facts
          facts={[
            ['Tables', <Num n={s.tables} href={link`/sources/${s.id ?? 0}` + '?tab=tables'} />],
            ['Copies', <Num n={s.syncs} href={link`/sources/${s.id ?? 0}` + '?tab=tables&state=copied'} />],
            ['Stopped', <Num n={s.stopped} />],
            ['Jobs that wait', <><Num n={s.queued} /> {!!s.queued && <span class="muted">since <Span s={s.queued_seconds} /></span>}</>],
            ['Jobs that run', <Num n={s.running} href="#/runs?state=running" />],
            ['Rejected rows', <Num n={s.rejected} />],
            ['Anomalies', <Num n={s.anomalies} href={withQuery('#/quality', { q: name })} />],
            ['Jobs given up', <Num n={s.dead_letters} href="#/runs?tab=dead" />],
          ]}
        />
      </Panel>
    </>
  );
}

const tone = (s: S) => sourceTone(s)[0] === 'bad' || sourceTone(s)[0] === 'warn';

const CHANGES: Record<string, [Tone, string]> = { added: ['ok', 'added'], discovered: ['ok', 'added'], returned: ['ok', 'is back'], removed: ['bad', 'gone'], gone: ['bad', 'gone'], retyped: ['warn', 'retyped'], renamed: ['warn', 'renamed'], altered: ['idle', 'altered'] };

/** how a description of before and after differs, in words */
function differs(before: unknown, after: unknown): string {
  const b = (before ?? {}) as Record<string, unknown>;
  const a = (after ?? {}) as Record<string, unknown>;
  if (!before) return a['type'] ? String(a['type']) : '';
  if (!after) return b['type'] ? 'was ' + String(b['type']) : '';
  return [...new Set([...Object.keys(b), ...Object.keys(a)])]
    .filter((k) => JSON.stringify(b[k]) !== JSON.stringify(a[k]))
    .map((k) => `${k}: ${b[k] === undefined || b[k] === null ? 'none' : String(b[k])} → ${a[k] === undefined || a[k] === null ? 'none' : String(a[k])}`)
    .join(', ');
}

export function Drift({ source, table }: { source?: number; table?: number }) {
  const changes = useQuery(
    `drift ${source} ${table}`,
    (stop) =>
      page<'metadata_changes', 'id' | 'object_kind' | 'object_name' | 'change' | 'before' | 'after' | 'seen_at' | 'run_id' | 'table_id', { table: { name: string } | null }>(
        'metadata_changes',
        { select: ['id', 'object_kind', 'object_name', 'change', 'before', 'after', 'seen_at', 'run_id', 'table_id'], embed: 'table:tables(name)', where: { source_id: source ? `eq.${source}` : null, table_id: table ? `eq.${table}` : null }, order: 'id.desc', limit: 300 },
        stop,
      ),
    { on: ['ingest.column.', 'ingest.table.', 'ingest.crawl.'] },
  );
  if (changes.problem && !changes.data) return <Wrong problem={changes.problem} retry={changes.reload} />;
  if (!changes.data) return <Waiting />;
  return (
    <Panel title="What changed at the source" aside={<span>{short(changes.data.total)} {changes.data.total === 1 ? 'change' : 'changes'}</span>}>
      {changes.data.rows.length ? (
        <ol class="timeline">
          {changes.data.rows.map((c) => {
            const [t, word] = CHANGES[c.change ?? ''] ?? ['idle', c.change ?? ''];
            return (
              <li key={c.id}>
                <span class="muted small nowrap">
                  <When at={c.seen_at} />
                </span>
                <span class={t}>
                  <svg class="shape" viewBox="0 0 16 16" aria-hidden="true">
                    <circle cx="8" cy="8" r="5" />
                  </svg>
                </span>
                <span>
                  {c.object_kind}{' '}
                  <a href={c.table_id ? withQuery(link`/tables/${c.table_id}`, { q: c.object_kind === 'column' ? c.object_name : null }) : '#/tables'}>
                    {c.object_kind === 'column' && c.table && !c.object_name?.startsWith(c.table.name + '.') ? `${c.table.name}.${c.object_name}` : c.object_name}
                  </a>{' '}
                  <Badge tone={t}>{word}</Badge> <span class="muted">{differs(c.before, c.after)}</span>
                </span>
              </li>
            );
          })}
        </ol>
      ) : (
        <p class="none">Nothing changed since it was first looked at. A crawl tells of columns that are added, retyped or gone.</p>
      )}
      {changes.data.total > changes.data.rows.length && <p class="none">The last {exact(changes.data.rows.length)} of {exact(changes.data.total)} changes.</p>}
    </Panel>
  );
}
