// One table: what it is, how good it is, how it changed, where it comes from and goes
import { act, call, list, one, Problem, rowsOf, type Row, type Shown } from '../lib/api';
import { Numeral } from '../lib/exact';
import { duration, exact, identifier, literal, plain, share, short } from '../lib/format';
import { useQuery } from '../lib/query';
import { link, param, setQuery, withQuery } from '../lib/router';
import { may } from '../lib/session';
import { Act, Answered, Badge, Behind, Empty, Facts, Filter, Num, Panel, refused, say, Sql, State, Tabs, Value, Waiting, When, Wrong, runTone } from '../ui/bits';
import { Bar, Histogram, RunStrip, Sparkline, type Ran } from '../ui/charts';
import { useName } from '../ui/crumbs';
import { Table, useLocal, type Col } from '../ui/table';
import { FIRST_COPY, type Active } from './overview';
import { AddRule, Anomalies, RuleList } from './quality';
import { Drift } from './sources';
import { History } from './history';
import { copyTone } from './tables';

const TABLE = ['id', 'name', 'source_id', 'local_schema', 'local_name', 'kind', 'description', 'rows', 'last_change', 'key', 'key_origin', 'cursor_column', 'parent_id', 'first_seen', 'crawled_at', 'gone_at'] as const;
const SYNC = ['id', 'name', 'target', 'mode', 'state', 'state_reason', 'scheduled', 'phase', 'watermark', 'last_success', 'age_seconds', 'freshness_objective_seconds', 'fresh', 'rows', 'source_rows', 'rejected', 'last_state', 'left_out', 'last_error', 'last_error_at'] as const;
export type Copy_ = Row<'syncs', (typeof SYNC)[number]> & { runs: (Ran & { started_at: string })[] };
type T = Row<'tables', (typeof TABLE)[number]> & { source: { name: string } | null; syncs: Copy_[] };

export function TablePage({ id }: { id: string }) {
  const table = useQuery(
    'table ' + id,
    (stop) =>
      one<'tables', (typeof TABLE)[number], { source: { name: string } | null; syncs: Copy_[] }>(
        'tables',
        {
          select: TABLE,
          embed: `source:sources(name),syncs(${SYNC.join(',')},runs(id,state,duration_seconds,started_at))`,
          where: { id: `eq.${/^\d+$/.test(id) ? id : 0}`, 'syncs.runs.order': 'id.desc', 'syncs.runs.limit': 30 },
        },
        stop,
      ),
    { every: 20, on: ['ingest.sync.', 'ingest.run.failed', 'ingest.column.', 'ingest.rows.changed'] },
  );
  const t = table.data;
  useName(t?.syncs[0]?.name ?? t?.name);
  if (table.problem && !t) return <Wrong problem={table.problem} retry={table.reload} />;
  if (t === undefined) return <Waiting lines={8} />;
  if (t === null)
    return (
      <section class="panel">
        <Empty title="There is no such table">
          <p>It was dropped, or it belongs to a source that you may not see.</p>
          <p>
            <a href="#/tables">All tables</a>
          </p>
        </Empty>
      </section>
    );
  return <One t={t} />;
}

function One({ t }: { t: T }) {
  const c = t.syncs[0];
  const tab = param('tab', 'columns');
  const id = t.id ?? 0;
  const relation = c?.target ?? `${identifier(t.local_schema ?? '')}.${identifier(t.local_name ?? '')}`;
  const facts = useQuery(
    'counts ' + relation,
    async (stop) => {
      const [schema, name] = (await names(relation, t, stop)) ?? ['', ''];
      const [rules, odd] = await Promise.all([
        list('rules', { select: ['id', 'ok'], where: { schema_name: `eq.${schema}`, table_name: `eq.${name}` }, limit: 200 }, stop),
        list('anomalies', { select: ['id'], where: { schema_name: `eq.${schema}`, table_name: `eq.${name}`, resolved_at: 'is.null' }, limit: 200 }, stop),
      ]);
      return { schema, name, rules: rules.length, failing: rules.filter((r) => r.ok === false).length, odd: odd.length };
    },
    { on: ['ingest.quality.', 'ingest.anomaly.', 'ingest.alert.'] },
  );
  const f = facts.data;
  return (
    <>
      <Head t={t} c={c} />
      <Tabs
        tabs={[
          { id: 'columns', label: 'Columns' },
          { id: 'preview', label: 'Preview' },
          { id: 'quality', label: 'Quality', count: f ? f.failing + f.odd : null, tone: f?.failing ? 'bad' : 'warn' },
          { id: 'changes', label: 'Changes' },
          { id: 'lineage', label: 'Lineage' },
          { id: 'drift', label: 'Drift' },
          { id: 'sql', label: 'SQL' },
        ]}
      />
      {tab === 'preview' ? (
        <Preview id={id} />
      ) : tab === 'quality' ? (
        f ? (
          <>
            <Panel title="Rules" aside={may('operate') && <AddRule relation={relation} />}>
              <RuleList schema={f.schema} table={f.name} />
            </Panel>
            <Panel title="Anomalies">
              <Anomalies schema={f.schema} table={f.name} />
            </Panel>
          </>
        ) : (
          <Waiting />
        )
      ) : tab === 'changes' ? (
        <History id={id} sync={c?.id ?? null} relation={relation} keys={(t.key ?? []) as string[]} />
      ) : tab === 'lineage' ? (
        <LineageOf object={relation} />
      ) : tab === 'drift' ? (
        <Drift table={id} />
      ) : tab === 'sql' ? (
        <Statements t={t} c={c} relation={relation} />
      ) : (
        <Columns id={id} relation={relation} />
      )}
    </>
  );
}

/** schema and name of a relation as SQL writes it */
export async function names(relation: string, t: { local_schema: string | null; local_name: string | null }, _stop?: AbortSignal): Promise<[string, string] | null> {
  const part = /("(?:[^"]|"")*"|[^."]+)/g;
  const found = relation.match(part);
  if (found?.length !== 2) return [t.local_schema ?? '', t.local_name ?? ''];
  return found.map((p) => (p.startsWith('"') ? p.slice(1, -1).replaceAll('""', '"') : p)) as [string, string];
}

function Head({ t, c }: { t: T; c: Copy_ | undefined }) {
  const active = useQuery('activity ' + c?.name, (stop) => call('/v1/activity', {}, { sync: c!.name } as never, stop) as unknown as Promise<Active[]>, { off: !c, every: 60, on: ['ingest.rows.changed'] });
  const parent = useQuery(`parent ${t.parent_id}`, (stop) => one('tables', { select: ['name'], where: { id: `eq.${t.parent_id}` } }, stop), { off: !t.parent_id });
  const can = may('operate');
  const name = c?.name ?? '';
  const [tone, word] = c ? copyTone({ ...c, state: c.state ?? '', name }) : (['idle', t.gone_at ? 'gone at the source' : 'not copied'] as const);
  const key = (t.key ?? []) as string[];
  return (
    <>
      <div class="head-of">
        <div class="grow">
          <h2>{c?.name ?? t.name}</h2>
          <div class="row muted">
            <State tone={tone}>{word}</State>
            {c && (
              <span>
                copy of <span class="mono">{t.local_schema}.{t.local_name}</span>
              </span>
            )}
            <a href={link`/sources/${t.source_id ?? 0}`}>{t.source?.name}</a>
            {t.description && <span class="cut">{t.description}</span>}
          </div>
        </div>
        {c && can && (
          <div class="do">
            <Act
              primary
              title="A run is put into the queue: what changed since the last one is read"
              does={() => act('/v1/syncs/{sync}/run', { sync: name }, {})}
              done={(a) => (
                <>
                  Put into the queue. <a href={withQuery('#/runs', { q: name })}>See its runs</a> {(a as { job?: string }).job ? '' : ''}
                </>
              )}
            >
              Run now
            </Act>
            {c.state === 'active' ? (
              <Act title="No run is begun until it is resumed; what is running goes on to its end" does={() => act('/v1/syncs/{sync}/pause', { sync: name }, {})} done="Paused">
                Pause
              </Act>
            ) : (
              <Act title="It is run again" does={() => act('/v1/syncs/{sync}/resume', { sync: name }, {})} done="Resumed">
                Resume
              </Act>
            )}
            <Act title="The next run reads the whole table again" sure={`The next run of ${name} reads the whole table again, which may take long. Nothing is deleted that the source still has.`} does={() => act('/v1/syncs/{sync}/reload', { sync: name }, {})} done="The next run reads everything">
              Reload
            </Act>
            <Act title="The table is read once, and its columns' figures are kept" does={() => act('/v1/profiles', {} as never, { relation: c.target ?? '' })} done="A profile was put into the queue">
              Profile
            </Act>
          </div>
        )}
      </div>
      {c?.state === 'stopped' && c.state_reason && (
        <div class="banner">
          <State tone="bad">Stopped</State>
          <span class="grow">{c.state_reason}</span>
          <Sql text={`SELECT ingest.resume(sync => ${literal(name)});`} />
        </div>
      )}
      {c?.last_error && (c.last_state === 'failed' || c.last_state === 'lost') && (
        <div class="banner">
          <State tone="bad">The last run failed</State>
          <span class="grow">{c.last_error}</span>
          {c.runs[0] && <a href={link`/runs/${c.runs[0].id}`}>Its log</a>}
        </div>
      )}
      <section class="panel">
        <div style={{ paddingTop: '10px' }}>
          <Facts
            facts={[
              ['Rows', <><Num n={c?.rows ?? t.rows} unit="rows" /> {c && c.source_rows !== null && c.rows !== c.source_rows && <span class="muted">of {short(c.source_rows)} there</span>}</>],
              c ? ['Age / objective', <span title={c.last_success ?? ''}>{duration(c.age_seconds)}<span class="muted"> / {c.freshness_objective_seconds ? duration(c.freshness_objective_seconds) : 'none'}</span></span>] : null,
              c ? ['Last run', <>{c.runs[0] ? <a href={link`/runs/${c.runs[0].id}`}><State tone={runTone(c.last_state)}>{c.last_state ?? 'none'}</State></a> : <span class="muted">none yet</span>}</>] : null,
              c ? ['Last 30 runs', <RunStrip runs={[...c.runs].reverse()} />] : null,
              c && active.data ? ['Changes, 24 h', <Sparkline values={active.data.map((a) => a.rows_inserted + a.rows_updated + a.rows_deleted)} width={110} label="Rows changed per hour" />] : null,
              ['Key', key.length ? <span class="mono" title={t.key_origin ?? ''}>{key.join(', ')}</span> : <span class="muted">none known</span>],
              ['Cursor', t.cursor_column ? <span class="mono">{t.cursor_column}</span> : <span class="muted">none</span>],
              c ? ['Mode', <>{c.mode}{c.phase !== 'ready' && <Badge tone="busy">{c.phase}</Badge>}{!c.scheduled && <Badge title="No job runs it by a schedule">not scheduled</Badge>}</>] : null,
              c?.rejected ? ['Rejected rows', <State tone="warn"><Num n={c.rejected} /></State>] : null,
              t.parent_id ? ['Belongs to', <a href={link`/tables/${t.parent_id}`}>{parent.data?.name ?? 'another table'}</a>] : null,
              c?.left_out ? ['Left out', <span class="muted">{((c.left_out ?? []) as string[]).join(', ')}</span>] : null,
            ]}
          />
        </div>
      </section>
    </>
  );
}

const COLUMN = ['name', 'position', 'type', 'nullable', 'description', 'custom', 'key_position', 'hidden_type', 'semantic_type', 'sample_values', 'first_seen', 'gone_at'] as const;
const PROFILE = ['column_name', 'profiled_at', 'sampled', 'total_rows', 'null_share', 'distinct_count', 'uniqueness', 'mean', 'stddev', 'hidden_type', 'semantic_type', 'min', 'max', 'statistics'] as const;
interface Spread {
  column_name: string;
  top_values: { value: string; count: number; share: number }[] | null;
  histogram: { from: string; to: string; rows: number; share: number }[] | null;
  patterns: { pattern: string; count: number; share: number; example: string }[] | null;
  before: { profiled_at: string; rows: number; null_share: number } | null;
  drift: { verdict: string; reasons: string | null } | null;
}
type C = Row<'columns', (typeof COLUMN)[number]> & { profile?: Row<'profiles', (typeof PROFILE)[number]>; spread?: Spread; said: { name: string; value: unknown; said_by: string | null; said_at: string }[] };

// columns are shown to who may not see what is in them; of what failed nobody says that it is not there
function unseen(error: unknown): never[] {
  if (error instanceof Problem && (error.status === 403 || error.status === 404)) return [];
  throw error;
}

function Columns({ id, relation }: { id: number; relation: string }) {
  const q = useQuery(
    'columns ' + id,
    async (stop): Promise<C[]> => {
      const [columns, profiles, spreads, said] = await Promise.all([
        list('columns', { select: COLUMN, where: { table_id: `eq.${id}` }, order: 'position', limit: 1000 }, stop),
        call('/v1/tables/{id}/profile', { id }, {} as never, stop).catch(unseen) as Promise<C['profile'][]>,
        call('/v1/tables/{id}/distributions', { id }, {} as never, stop).catch(unseen) as Promise<Spread[]>,
        list('annotations', { select: ['column_name', 'name', 'value', 'said_by', 'said_at'], where: { table_id: `eq.${id}`, ended_at: 'is.null' }, limit: 1000 }, stop).catch(unseen),
      ]);
      return columns.map((c) => ({
        ...c,
        profile: profiles.find((p) => p?.column_name === c.name),
        spread: spreads.find((s) => s.column_name === c.name),
        said: said.filter((a) => a.column_name === c.name) as C['said'],
      }));
    },
    { on: ['ingest.profile.completed', 'ingest.column.', 'ingest.annotation.'] },
  );
  const said = useQuery('said of ' + id, (stop) => list('annotations', { select: ['name', 'value', 'said_by', 'said_at'], where: { table_id: `eq.${id}`, ended_at: 'is.null', column_name: 'is.null' }, limit: 100 }, stop), { on: ['ingest.annotation.'] });
  const filter = param('q').toLowerCase();
  const chosen = param('col');
  const cols: Col<C>[] = [
    {
      id: 'name',
      head: 'Column',
      cell: (c) => (
        <span title={c.description ?? undefined} class={c.gone_at ? 'faint' : ''}>
          {c.name} {c.key_position ? <Badge tone="busy" title="Part of the key">key</Badge> : null} {c.gone_at ? <Badge>gone</Badge> : null}
        </span>
      ),
      by: (c) => c.name,
    },
    { id: 'type', head: 'Type', width: 150, above: 480, cell: (c) => <span class="muted mono" title={c.type ?? ''}>{c.type}</span>, by: (c) => c.type },
    {
      id: 'meaning',
      head: 'Meaning',
      width: 130,
      above: 640,
      cell: (c) => (
        <>
          {(c.profile?.hidden_type ?? c.hidden_type) && <Badge title="The type that its texts really have">{c.profile?.hidden_type ?? c.hidden_type}</Badge>} {(c.profile?.semantic_type ?? c.semantic_type) && <Badge title="What its values mean">{c.profile?.semantic_type ?? c.semantic_type}</Badge>}
        </>
      ),
      by: (c) => c.profile?.semantic_type ?? c.semantic_type,
    },
    {
      id: 'nulls',
      head: 'Missing',
      width: 124,
      cell: (c) =>
        c.profile ? (
          <>
            <Bar value={c.profile.null_share} label={`${share(c.profile.null_share)} of the values are missing`} width={48} tone={(c.profile.null_share ?? 0) > 0.5 ? 'warn' : 'idle'} /> <span class="num small">{share(c.profile.null_share)}</span>
          </>
        ) : (
          <span class="faint">–</span>
        ),
      by: (c) => c.profile?.null_share,
    },
    { id: 'distinct', head: 'Distinct', width: 84, right: true, above: 560, cell: (c) => <Num n={c.profile?.distinct_count} />, by: (c) => c.profile?.distinct_count },
    { id: 'range', head: 'Least to greatest', above: 900, cell: (c) => (c.profile?.min ? <span class="muted" title={`${c.profile.min} to ${c.profile.max}`}>{c.profile.min} – {c.profile.max}</span> : null) },
    { id: 'spread', head: 'Spread', width: 136, above: 780, cell: (c) => <Spread_ s={c.spread} /> },
    {
      id: 'drift',
      head: 'Drift',
      width: 96,
      above: 1020,
      cell: (c) => {
        const d = c.spread?.drift;
        if (!d) return <span class="faint">–</span>;
        return d.verdict === 'none' ? <span class="muted small">none</span> : <State tone={d.verdict === 'major' || d.verdict === 'strong' ? 'bad' : 'warn'} title={d.reasons ?? undefined}>{d.verdict}</State>;
      },
      by: (c) => (c.spread?.drift ? { none: 0 }[c.spread.drift.verdict] ?? 1 : null),
    },
  ];
  const shown = q.data?.filter((c) => !filter || `${c.name} ${c.type} ${c.description} ${c.semantic_type}`.toLowerCase().includes(filter));
  const rows = useLocal(shown, cols, q);
  const open = q.data?.find((c) => c.name === chosen);
  const first = q.data?.find((c) => c.profile)?.profile;
  return (
    <>
      <div class="bar-of">
        <Filter label="Filter columns" />
        <span class="muted small">
          {first ? (
            <>
              {first.sampled ? 'a sample of ' : ''}
              {short(first.total_rows)} rows profiled <When at={first.profiled_at} />
            </>
          ) : q.data ? (
            'not profiled yet: Profile reads it once'
          ) : null}
        </span>
        {said.data?.map((a) => (
          <Badge key={a.name} title={`said by ${a.said_by}`}>
            {a.name}: {plain(a.value)}
          </Badge>
        ))}
      </div>
      <div class={open ? 'split' : ''} style={{ flex: '1 1 0', minHeight: '320px', display: 'flex', flexDirection: 'column' }}>
        <Table label="Columns" fill cols={cols} rows={rows} open={(c) => setQuery({ col: c.name === chosen ? null : c.name })} key_={(c) => c.name ?? ''} rowTone={(c) => (c.name === chosen ? 'chosen' : undefined)} empty={<p class="none">No column is like that.</p>} />
        {open && <Detail c={open} id={id} relation={relation} />}
      </div>
    </>
  );
}

function Spread_({ s }: { s: Spread | undefined }) {
  if (!s) return null;
  if (s.histogram?.length) return <Histogram bins={s.histogram.map((b) => ({ from: b.from, to: b.to, n: b.rows }))} width={108} height={22} label={`Values from ${s.histogram[0]?.from} to ${s.histogram.at(-1)?.to}`} />;
  const top = s.top_values?.[0];
  if (top && top.count > 1)
    return (
      <span class="row nowrap" style={{ flexWrap: 'nowrap' }} title={`${top.value}: ${exact(top.count)}`}>
        <Bar value={top.share} label={`The most frequent value has ${share(top.share)}`} width={40} /> <span class="cut small muted">{top.value}</span>
      </span>
    );
  const p = s.patterns?.[0];
  return p ? <span class="mono small muted cut" title={`${p.pattern}, such as ${p.example}`}>{p.pattern}</span> : null;
}

function Detail({ c, id, relation }: { c: C; id: number; relation: string }) {
  const history = useQuery(
    `history of ${relation} ${c.name}`,
    async (stop) => {
      const found = await names(relation, { local_schema: '', local_name: '' });
      return list('profiles', { select: ['profiled_at', 'null_share', 'distinct_count', 'total_rows'], where: { schema_name: `eq.${found?.[0]}`, table_name: `eq.${found?.[1]}`, column_name: `eq.${c.name}` }, order: 'run_id.desc', limit: 60 }, stop);
    },
    { on: ['ingest.profile.completed'] },
  );
  const old = [...(history.data ?? [])].reverse();
  const st = (c.profile?.statistics ?? {}) as Record<string, unknown>;
  const s = c.spread;
  return (
    <section class="panel detail" aria-label={`Column ${c.name}`}>
      <header>
        <h2 class="cut">{c.name}</h2>
        <div class="aside">
          <button type="button" class="quiet small" aria-label="Close" onClick={() => setQuery({ col: null })}>
            ✕
          </button>
        </div>
      </header>
      <div class="pad" style={{ display: 'grid', gap: '12px' }}>
        <p class="muted">{c.description ?? 'The source says nothing of it.'}</p>
        {c.said.map((a) => (
          <p key={a.name} class="small">
            <Badge>{a.name}</Badge> {plain(a.value)} <span class="muted">– {a.said_by}, <When at={a.said_at} /></span>
          </p>
        ))}
        {s?.histogram && s.histogram.length > 0 && (
          <figure>
            <figcaption class="muted small">How values are spread</figcaption>
            <Histogram bins={s.histogram.map((b) => ({ from: b.from, to: b.to, n: b.rows }))} width={290} height={72} label={`Histogram of ${c.name}`} />
            <div class="row small muted" style={{ justifyContent: 'space-between' }}>
              <span class="cut">{s.histogram[0]?.from}</span>
              <span class="cut">{s.histogram.at(-1)?.to}</span>
            </div>
          </figure>
        )}
        {s?.top_values && s.top_values.some((v) => v.count > 1) && (
          <div>
            <p class="muted small">Frequent values</p>
            <div class="values">
              {s.top_values.slice(0, 10).map((v) => [
                <span key={v.value} class="cut" title={v.value}>
                  {v.value === '' ? <span class="null">empty</span> : v.value}
                </span>,
                <Bar key={v.value + 'b'} value={v.share} width={80} label={share(v.share)} />,
                <span key={v.value + 'n'} class="num small muted" title={exact(v.count)}>
                  {share(v.share)}
                </span>,
              ])}
            </div>
          </div>
        )}
        {s?.patterns && s.patterns.length > 0 && (
          <div>
            <p class="muted small">Shapes</p>
            {s.patterns.slice(0, 5).map((p) => (
              <p key={p.pattern} class="row small">
                <span class="mono">{p.pattern}</span> <span class="muted">{share(p.share)}</span> <span class="muted cut">such as {p.example}</span>
              </p>
            ))}
          </div>
        )}
        {c.profile && (
          <dl class="facts" style={{ padding: 0 }}>
            {(
              [
                ['Missing', share(c.profile.null_share)],
                ['Distinct', short(c.profile.distinct_count)],
                ['Least', c.profile.min],
                ['Median', st['median']],
                ['95 % are below', st['p95']],
                ['Greatest', c.profile.max],
                ['Mean', typeof c.profile.mean === 'number' ? short(c.profile.mean) : null],
                ['Length', st['mean_length'] ? `${short(st['min_length'] as number)} to ${short(st['max_length'] as number)}` : null],
              ] as [string, unknown][]
            )
              .filter(([, v]) => v !== null && v !== undefined)
              .map(([k, v]) => (
                <div key={k}>
                  <dt>{k}</dt>
                  <dd>{plain(v)}</dd>
                </div>
              ))}
          </dl>
        )}
        {old.length > 1 && (
          <p class="row small">
            <span class="muted">Missing over {old.length} profiles</span> <Sparkline values={old.map((o) => o.null_share)} label="Share that is missing" />
          </p>
        )}
        {s?.drift && s.drift.verdict !== 'none' && (
          <p>
            <State tone="warn">Drift: {s.drift.verdict}</State> <span class="muted">{s.drift.reasons}</span>
          </p>
        )}
        <p class="row">
          <a href={withQuery('#/lineage', { object: `${relation}.${identifier(c.name ?? '')}`, breaks: '1' })}>What breaks if it goes</a>
        </p>
        <Describe id={id} column={c.name ?? ''} />
      </div>
    </section>
  );
}

function Describe({ id, column }: { id: number; column: string }) {
  if (!may('operate')) return null;
  return (
    <form
      class="row"
      onSubmit={(e) => {
        e.preventDefault();
        const field = e.currentTarget.elements.namedItem('said') as HTMLInputElement;
        if (!field.value.trim()) return;
        act('/v1/columns/{table_id}/{column_name}/annotations', { table_id: String(id), column_name: column } as never, { name: 'description', value: field.value.trim() } as never).then(() => {
          field.value = '';
          say({ tone: 'ok', text: 'Said' });
        }, refused);
      }}
    >
      <input name="said" class="grow" placeholder="Say what it means" aria-label={`Describe ${column}`} />
      <button type="submit">Say</button>
    </form>
  );
}

const numeric = (v: unknown): v is number | Numeral => typeof v === 'number' || v instanceof Numeral;
// what is a number is ordered as one; nothing stands last
const sortable = (v: unknown) => (v === null || v === undefined ? null : numeric(v) ? v : plain(v));

export function Grid({ shown, most = 16 }: { shown: Shown; most?: number }) {
  const all = shown.rows ?? [];
  const columns = [...new Set(all.slice(0, 50).flatMap((r) => Object.keys(r)))];
  const cols: Col<{ i: number; row: Record<string, unknown> }>[] = columns.map((c) => ({
    id: c,
    head: c,
    width: Math.max(90, Math.min(260, 24 + 7.4 * Math.max(c.length, ...all.slice(0, 30).map((r) => plain(r[c]).length)))),
    right: all.some((r) => numeric(r[c])),
    cell: ({ row }) => <span title={plain(row[c])}><Value v={row[c]} /></span>,
    by: ({ row }) => sortable(row[c]),
  }));
  const rows = useLocal(
    all.map((row, i) => ({ i, row })),
    cols,
  );
  if (!all.length) return <p class="none">No rows.</p>;
  return (
    <div class="grid-of" style={{ '--wide': `${cols.reduce((w, c) => w + (c.width ?? 0), 0)}px` }}>
      <Table label="Rows" cols={cols} rows={rows} key_={(r) => r.i} most={Math.min(most, all.length)} />
    </div>
  );
}

function Preview({ id }: { id: number }) {
  const shown = useQuery('preview ' + id, (stop) => rowsOf('/v1/tables/{id}/preview', { id }, { limit: 50 } as never, stop));
  return (
    <Panel title="Some rows" aside={<span class="small">columns that you may read, of the copy, or of the source where there is none</span>}>
      <Answered of={shown} lines={8}>{(data) => <Grid shown={data} />}</Answered>
      <Behind sql={shown.data?.sql} />
    </Panel>
  );
}

interface Flow {
  distance: number;
  from_object: string;
  to_object: string;
  kind: string;
}

function LineageOf({ object }: { object: string }) {
  const flows = useQuery('flows ' + object, (stop) => call('/v1/lineage', {}, { object } as never, stop) as unknown as Promise<Flow[]>);
  const side = (up: boolean) => {
    // relations, by how far they are
    const seen = new Map<string, { distance: number; kinds: Set<string> }>();
    for (const f of flows.data ?? []) {
      if (up !== f.distance < 0) continue;
      const name = tableOf(up ? f.from_object : f.to_object);
      if (name === object) continue;
      const known = seen.get(name) ?? { distance: Math.abs(f.distance), kinds: new Set<string>() };
      known.distance = Math.min(known.distance, Math.abs(f.distance));
      known.kinds.add(f.kind);
      seen.set(name, known);
    }
    return [...seen].sort((a, b) => a[1].distance - b[1].distance || a[0].localeCompare(b[0]));
  };
  return (
    <Panel title="Where it comes from, and where it goes" aside={<a href={withQuery('#/lineage', { object })}>In the graph</a>}>
      {flows.problem ? (
        <Wrong problem={flows.problem} retry={flows.reload} />
      ) : !flows.data ? (
        <Waiting />
      ) : (
        <div class="halves pad">
          {[true, false].map((up) => (
            <div key={String(up)}>
              <h3 class="muted small">{up ? 'Comes from' : 'Goes into'}</h3>
              {side(up).map(([name, how]) => (
                <p key={name} class="row">
                  <span class="faint num">{how.distance}</span>
                  <a class="cut" href={withQuery('#/lineage', { object: name })}>
                    {name}
                  </a>
                  {[...how.kinds].map((k) => (
                    <Badge key={k}>{k}</Badge>
                  ))}
                </p>
              ))}
              {side(up).length === 0 && <p class="muted">{up ? 'Nothing that is known.' : 'Nothing reads it, as far as is known.'}</p>}
            </div>
          ))}
        </div>
      )}
      <Behind sql={`SELECT * FROM ingest.lineage(${literal(object)});`} />
    </Panel>
  );
}

export function tableOf(object: string): string {
  const found = object.match(/("(?:[^"]|"")*"|[^."]+)/g) ?? [];
  return found.slice(0, 2).join('.');
}

function Statements({ t, c, relation }: { t: T; c: Copy_ | undefined; relation: string }) {
  const key = ((t.key ?? []) as string[])[0] ?? 'id';
  const foreign = `${identifier(t.local_schema ?? '')}.${identifier(t.local_name ?? '')}`;
  return (
    <Panel title="By SQL">
      <div class="pad" style={{ display: 'grid', gap: '10px' }}>
        <Sql label="Its rows" text={`SELECT * FROM ${relation} LIMIT 100;`} />
        {c ? (
          <>
            <Sql label="Bring it up to date" text={`CALL ingest.sync(${literal(c.name ?? '')});`} />
            <Sql label="What a run would do" text={`SELECT * FROM ingest.explain_sync(${literal(c.name ?? '')});`} />
            <Sql label="How it was" text={`SELECT * FROM ingest.as_of(NULL::${relation}, now() - interval '1 day');`} />
            <Sql label="Versions of a row" text={`SELECT * FROM ingest.row_history(NULL::${relation}, '{"${key}": 1}');`} />
            <Sql label="Hold every value against the source" text={`SELECT * FROM ingest.verify(${literal(c.name ?? '')});`} />
            <Sql label="An objective for its freshness" text={`SELECT ingest.alter_sync(${literal(c.name ?? '')}, freshness => '15 min');`} />
            {!c.scheduled && <Sql label="Keep it current" text={`SELECT ingest.create_job(${literal(c.name ?? '')}, 'sync', ${literal(c.name ?? '')});\nSELECT ingest.schedule(${literal(c.name ?? '')}, '*/15 * * * *');`} />}
          </>
        ) : (
          <Sql label="Keep a copy of it" text={FIRST_COPY.replaceAll('erp.transaction', foreign).replaceAll('books.transaction', 'books.' + identifier(t.name ?? ''))} />
        )}
        <Sql label="Where it comes from and goes" text={`SELECT * FROM ingest.lineage(${literal(relation)});`} />
        <Sql label="What is in it" text={`SELECT * FROM profile_report(${literal(relation)});`} />
      </div>
    </Panel>
  );
}

