// What is wrong, what is odd, what does not hold: and the rows behind it
import { useState } from 'preact/hooks';
import { act, anyOf, end, page, Problem, rowsOf, type Row } from '../lib/api';
import { exact, identifier, plain, share } from '../lib/format';
import { useQuery } from '../lib/query';
import { link, param, setQuery } from '../lib/router';
import { may } from '../lib/session';
import { Act, Answered, Badge, Behind, Cut, Choice, Dialog, Empty, Filter, Json, Num, severityTone, Sql, State, submits, Tabs, Waiting, When, Wrong } from '../ui/bits';
import { Bar, Sparkline } from '../ui/charts';
import { ALERT, ALERT_EMBED, Alerts, type Alert } from '../ui/alerts';
import { Grid } from './table';

const RULE_SQL = `SELECT ingest.add_rule('books.customer', 'not_null', '{email}', tolerance => 0.01);
SELECT kind, rows, violations, ok FROM ingest.check_quality('books.customer');`;

export function Quality() {
  const tab = param('tab', 'anomalies');
  return (
    <>
      <Tabs
        tabs={[
          { id: 'anomalies', label: 'Anomalies' },
          { id: 'rules', label: 'Rules' },
          { id: 'alerts', label: 'Alerts' },
        ]}
      />
      <div class="bar-of">
        <Filter label="Filter" />
        {tab === 'anomalies' && <Choice name="show" label="Show" options={[['', 'open'], ['all', 'all']]} />}
        {tab === 'alerts' && <Choice name="show" label="Show" options={[['', 'open'], ['closed', 'closed']]} />}
        {tab === 'rules' && <Choice name="show" label="Show" options={[['', 'all'], ['failing', 'failing']]} />}
      </div>
      {tab === 'alerts' ? (
        <AllAlerts />
      ) : tab === 'rules' ? (
        <section class="panel">
          <RuleList />
        </section>
      ) : (
        <section class="panel">
          <Anomalies />
        </section>
      )}
    </>
  );
}

function AllAlerts() {
  const q = param('q');
  const closed = param('show') === 'closed';
  const alerts = useQuery(`alerts ${q} ${closed}`, (stop) => page<'alerts', (typeof ALERT)[number], Alert>('alerts', { select: ALERT, embed: ALERT_EMBED, where: { closed_at: closed ? 'not.is.null' : 'is.null', or: anyOf(['kind', 'subject', 'summary'], q) }, order: closed ? 'closed_at.desc' : 'severity,opened_at.desc', limit: 300 }, stop), {
    on: ['ingest.alert.'],
    every: 60,
  });
  if (alerts.problem && !alerts.data) return <Wrong problem={alerts.problem} retry={alerts.reload} />;
  if (!alerts.data) return <Waiting />;
  return (
    <section class="panel">
      {alerts.data.rows.length ? (
        <>
          <Alerts alerts={alerts.data.rows} />
          <Cut shown={alerts.data.rows.length} total={alerts.data.total} what="alerts" />
        </>
      ) : (
        <Empty title={q || closed ? 'No alert matches' : 'Nothing is wrong'}>
          {!q && !closed && (
            <>
              <p>An alert opens when a run fails, a copy is late, a rule does not hold. People hear of it by a sink:</p>
              <Sql text={`SELECT ingest_delivery.create_sink('mailbox', 'email',\n    '{"url": "smtps://mail.example.com", "from": "ingest@example.com", "to": "ops@example.com"}');`} />
            </>
          )}
        </Empty>
      )}
    </section>
  );
}

const ANOMALY = ['id', 'source_id', 'sync_id', 'run_id', 'schema_name', 'table_name', 'column_name', 'kind', 'severity', 'summary', 'evidence', 'detected_at', 'resolved_at'] as const;
type Odd = Row<'anomalies', (typeof ANOMALY)[number]> & { sync: { name: string; table_id: number } | null };

const FIGURES: Record<string, string> = { null_share: 'missing', distinct_share: 'distinct', rows_here: 'rows here', rows_there: 'rows there', new_values: 'new' };
// said in the summary, or for those who look at all of it
const APART = new Set(['reasons', 'verdict', 'compared_with', 'ks', 'psi', 'js']);

function figure(name: string, v: unknown): string {
  if (v === null || v === undefined) return 'none';
  if (typeof v !== 'number') return plain(v);
  return /share/.test(name) && v >= 0 && v <= 1 ? share(v) : exact(v);
}

/** figures of a finding: how it was, and how it is */
function Evidence({ of }: { of: unknown }) {
  const [open, setOpen] = useState(false);
  const all = Object.entries((of ?? {}) as Record<string, unknown>).filter(([, v]) => v !== null);
  if (!all.length) return null;
  const told = all
    .filter(([k]) => !APART.has(k))
    .flatMap(([k, v]): [string, string][] => {
      const name = FIGURES[k] ?? k.replaceAll('_', ' ');
      if (Array.isArray(v) && v.length === 2) return figure(k, v[0]) === figure(k, v[1]) ? [] : [[name, `${figure(k, v[0])} → ${figure(k, v[1])}`]];
      return typeof v === 'object' ? [] : [[name, figure(k, v)]];
    })
    .slice(0, 6);
  const before = (of as Record<string, unknown>)['compared_with'];
  return (
    <p class="what small">
      {told.map(([name, said]) => (
        <span key={name} class="figure">
          {name} <b>{said}</b>
        </span>
      ))}
      {typeof before === 'string' && (
        <span class="figure">
          since the profile of <When at={before} />
        </span>
      )}
      <button type="button" class="quiet small" aria-expanded={open} onClick={() => setOpen(!open)}>
        Evidence
      </button>
      {open && <Json value={of} />}
    </p>
  );
}

export function Anomalies({ schema, table }: { schema?: string; table?: string }) {
  const q = schema ? '' : param('q');
  const everything = !schema && param('show') === 'all';
  const odd = useQuery(
    `anomalies ${schema} ${table} ${q} ${everything}`,
    (stop) =>
      page<'anomalies', (typeof ANOMALY)[number], { sync: { name: string; table_id: number } | null }>(
        'anomalies',
        { select: ANOMALY, embed: 'sync:syncs(name,table_id)', where: { schema_name: schema ? `eq.${schema}` : null, table_name: table ? `eq.${table}` : null, resolved_at: everything ? null : 'is.null', or: anomalyFilter(q) }, order: 'id.desc', limit: 300 },
        stop,
      ),
    { on: ['ingest.anomaly.', 'ingest.alert.'], every: 60 },
  );
  const can = may('operate');
  if (odd.problem && !odd.data) return <Wrong problem={odd.problem} retry={odd.reload} />;
  if (!odd.data) return <Waiting />;
  if (!odd.data.rows.length)
    return schema || q ? (
      <p class="none">No anomalies.</p>
    ) : (
      <Empty title="No anomalies">
        <p>Profiles are compared with those before them: shares of nulls, numbers of rows, distributions of values. A copy is profiled if it is set to be:</p>
        <Sql text="SELECT ingest.alter_sync('books.customer', profile => 'all');" />
      </Empty>
    );
  return (
    <>
    <ul class="items">
      {odd.data.rows.map((a) => (
        <li key={a.id}>
          <div class="head">
            <State tone={severityTone(a.severity)}>{(a.kind ?? '').replaceAll('_', ' ')}</State>
            <span class="cut grow">
              {a.sync ? <a href={link`/tables/${a.sync.table_id}` + '?tab=quality'}>{place(a)}</a> : place(a)}
            </span>
            {a.resolved_at && <Badge tone="ok">dealt with</Badge>}
            <span class="muted small nowrap">
              <When at={a.detected_at} />
            </span>
          </div>
          <p class="what">{a.summary ?? 'What it is, is shown to who may read the table.'}</p>
          <Evidence of={a.evidence} />
          <div class="do">
            {a.run_id && (
              <a class="small" href={link`/runs/${a.run_id}`}>
                Run {a.run_id}
              </a>
            )}
            {a.column_name && a.sync && (
              <a class="small" href={link`/tables/${a.sync.table_id}` + '?col=' + encodeURIComponent(a.column_name)}>
                Column
              </a>
            )}
            {can && !a.resolved_at && (
              <Act quiet title="It is known and dealt with; its alert closes" does={() => act('/v1/anomalies/{anomaly}/resolve', { anomaly: String(a.id) }, {})} done="Dealt with">
                Confirm
              </Act>
            )}
          </div>
        </li>
      ))}
    </ul>
    <Cut shown={odd.data.rows.length} total={odd.data.total} what="anomalies" />
    </>
  );
}

const place = (a: Odd) => `${a.schema_name}.${a.table_name}${a.column_name ? '.' + a.column_name : ''}`;
// a table is typed as it is read: books.customer
function anomalyFilter(q: string): string | undefined {
  const dot = q.indexOf('.');
  if (dot > 0) return anyOf(['summary'], q)?.replace(/\)$/, `,and(schema_name.eq."${q.slice(0, dot).replace(/[\\"]/g, '\\$&')}",table_name.eq."${(q.slice(dot + 1).split('.')[0] ?? '').replace(/[\\"]/g, '\\$&')}"))`);
  return anyOf(['table_name', 'schema_name', 'column_name', 'kind', 'summary'], q);
}

const RULE = ['id', 'schema_name', 'table_name', 'kind', 'columns', 'severity', 'ok', 'violations', 'rows', 'examples', 'checked_at', 'where_clause'] as const;


const WORDS: Record<string, string> = { not_null: 'is never missing', unique: 'is unique', in_set: 'is one of a set', range: 'is within a range', pattern: 'has a shape', length: 'has a length', references: 'refers to a row that is there', freshness: 'is fresh', row_count: 'number of rows', sql: 'a condition holds' };

export function RuleList({ schema, table }: { schema?: string; table?: string }) {
  const q = schema ? '' : param('q');
  const failing = !schema && param('show') === 'failing';
  const opened = param('rule');
  const can = may('operate');
  const rules = useQuery(
    `rules ${schema} ${table} ${q} ${failing}`,
    (stop) =>
      page<'rules', (typeof RULE)[number], { rule_results: { violations: number; rows: number }[] }>(
        'rules',
        { select: RULE, embed: 'rule_results(violations,rows)', where: { schema_name: schema ? `eq.${schema}` : null, table_name: table ? `eq.${table}` : null, ok: failing ? 'is.false' : null, or: anyOf(['table_name', 'schema_name', 'kind'], q), 'rule_results.order': 'id.desc', 'rule_results.limit': 30 }, order: 'ok.nullsfirst,schema_name,table_name,id', limit: 500 },
        stop,
      ),
    { on: ['ingest.quality.', 'ingest.alert.'], every: 60 },
  );
  if (rules.problem && !rules.data) return <Wrong problem={rules.problem} retry={rules.reload} />;
  if (!rules.data) return <Waiting />;
  if (!rules.data.rows.length)
    return q || failing ? (
      <p class="none">No rule is like that.</p>
    ) : (
      <Empty title="No rule yet">
        <p>A rule says what must hold in a table. Rules are checked by a job of kind quality, or at once:</p>
        <Sql text={schema ? RULE_SQL.replaceAll('books.customer', `${identifier(schema)}.${identifier(table ?? '')}`) : RULE_SQL} />
      </Empty>
    );
  return (
    <>
    <ul class="items">
      {rules.data.rows.map((r) => {
        const open = opened === String(r.id);
        return (
          <li key={r.id}>
            <div class="head">
              <State tone={r.ok === null ? 'idle' : r.ok ? 'ok' : severityTone(r.severity)}>{r.ok === null ? 'not checked' : r.ok ? 'holds' : 'fails'}</State>
              <span class="cut grow">
                {!schema && <span>{r.schema_name}.{r.table_name} </span>}
                <b>{((r.columns ?? []) as string[]).join(', ')}</b> {WORDS[r.kind ?? ''] ?? r.kind}
              </span>
              {r.rule_results.length > 1 && <Sparkline values={[...r.rule_results].reverse().map((x) => x.violations)} label="Rows that violate it" width={72} />}
              <span class="muted small nowrap">
                <When at={r.checked_at} />
              </span>
            </div>
            <p class="what">
              {r.violations !== null && r.rows !== null && (
                <>
                  <Num n={r.violations} unit="rows" /> of <Num n={r.rows} unit="rows" /> violate it <Bar value={(r.violations ?? 0) / (r.rows || 1)} label={share((r.violations ?? 0) / (r.rows || 1))} tone={r.ok ? 'idle' : 'bad'} /> {share((r.violations ?? 0) / (r.rows || 1))}
                </>
              )}
              {((r.examples ?? []) as unknown[]).some((e) => e !== null && e !== 'NULL') && <span class="muted"> such as {[...new Set((r.examples as unknown[]).map(plain))].slice(0, 4).join(', ')}</span>}
            </p>
            <div class="do">
              {!!r.violations && (
                <button type="button" class="quiet small" aria-expanded={open} onClick={() => setQuery({ rule: open ? null : r.id }, true)}>
                  {open ? 'Hide rows' : 'Failing rows'}
                </button>
              )}
              {can && (
                <Act quiet title="All rules of the table are checked" does={() => act('/v1/quality', {} as never, { relation: `${identifier(r.schema_name ?? '')}.${identifier(r.table_name ?? '')}` })} done="A check was put into the queue">
                  Check now
                </Act>
              )}
              {can && (
                <Act quiet title="Forget the rule" sure="The rule and its results are forgotten." does={() => end('/v1/rules/{key}', { key: String(r.id) })} done="Forgotten">
                  Forget
                </Act>
              )}
            </div>
            {open && <Failing id={r.id ?? 0} />}
          </li>
        );
      })}
    </ul>
    <Cut shown={rules.data.rows.length} total={rules.data.total} what="rules" />
    </>
  );
}

function Failing({ id }: { id: number }) {
  const shown = useQuery('failing ' + id, (stop) => rowsOf('/v1/rules/{id}/failing', { id }, { limit: 100 } as never, stop));
  return (
    <div>
      <Answered of={shown}>{(data) => (data.rows ? <Grid shown={data} most={10} /> : <p class="what">Somebody else wrote its condition: it does not run with your rights. This is the statement:</p>)}</Answered>
      <Behind sql={shown.data?.sql} />
    </div>
  );
}

/** arguments as they were typed */
function read(text: string): Record<string, never> {
  try {
    const found: unknown = JSON.parse(text);
    if (found && typeof found === 'object' && !Array.isArray(found)) return found as Record<string, never>;
  } catch {
    // said below
  }
  throw new Problem(0, 'The arguments are not JSON.', 'An object is wanted, such as {"min": 0}: names and texts in double quotes.');
}

export function AddRule({ relation }: { relation: string }) {
  const [open, setOpen] = useState(false);
  const [kind, setKind] = useState('not_null');
  const needs: Record<string, string> = { in_set: '{"values": []}', range: '{"min": 0}', pattern: '{"pattern": "^.+$"}', length: '{"min": 1, "max": 100}', references: '{"table": "schema.table"}', freshness: '{"within": "1 day"}', row_count: '{"min": 1}' };
  return (
    <>
      <button type="button" class="small" onClick={() => setOpen(true)}>
        Add a rule
      </button>
      {open && (
        <Dialog title={`A rule for ${relation}`} close={() => setOpen(false)}>
          <form
            class="form"
            onSubmit={submits}
          >
            <label>
              What must hold
              <select name="kind" value={kind} onChange={(e) => setKind(e.currentTarget.value)}>
                {Object.entries(WORDS)
                  .filter(([k]) => k !== 'sql')
                  .map(([k, w]) => (
                    <option key={k} value={k}>
                      {k}: {w}
                    </option>
                  ))}
              </select>
            </label>
            <label>
              Columns
              <input id="rule-columns" placeholder="email" />
            </label>
            {needs[kind] && (
              <label>
                Arguments
                <textarea id="rule-arguments" rows={2} key={kind} class="mono">{needs[kind]}</textarea>
              </label>
            )}
            <label>
              Share of rows that may violate it
              <input id="rule-tolerance" type="number" min={0} max={1} step="any" defaultValue="0" />
            </label>
            <footer>
              <Act
                primary
                title="The rule is added, and checked by the next check"
                does={async () => {
                  const field = (id: string) => (document.getElementById(id) as HTMLInputElement | null)?.value ?? '';
                  await act('/v1/rules', {} as never, {
                    relation,
                    kind,
                    columns: field('rule-columns')
                      .split(',')
                      .map((c) => c.trim())
                      .filter(Boolean),
                    arguments: needs[kind] ? read(field('rule-arguments')) : {},
                    tolerance: Number(field('rule-tolerance') || 0),
                  });
                  await act('/v1/quality', {} as never, { relation }).catch(() => {});
                  setOpen(false);
                }}
                done="Added"
              >
                Add
              </Act>
            </footer>
          </form>
        </Dialog>
      )}
    </>
  );
}

