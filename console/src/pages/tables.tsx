// Tables of all sources, and one of them
import { anyOf, type Row } from '../lib/api';
import { duration } from '../lib/format';
import { link, param } from '../lib/router';
import { Badge, Choice, Empty, Filter, Num, Sql, State, When, type Tone } from '../ui/bits';
import { Table, useServer, type Col } from '../ui/table';
import { FIRST_SOURCE } from './overview';

export { TablePage } from './table';

const COLUMNS = ['id', 'name', 'source_id', 'kind', 'description', 'rows', 'key', 'cursor_column', 'crawled_at', 'gone_at', 'local_schema', 'local_name'] as const;
export interface CopyOf {
  name: string;
  state: string;
  fresh: boolean | null;
  age_seconds: number | null;
  freshness_objective_seconds: number | null;
  rows: number | null;
  rejected: number | null;
  last_state: string | null;
}
type T = Row<'tables', (typeof COLUMNS)[number]> & { source: { name: string } | null; syncs: CopyOf[] };

export function copyTone(c: CopyOf): [Tone, string] {
  if (c.state === 'stopped') return ['bad', 'stopped'];
  if (c.state === 'paused') return ['idle', 'paused'];
  if (c.last_state === null) return ['idle', 'not loaded yet'];
  if (c.fresh === false) return ['bad', 'late'];
  if (c.last_state === 'failed' || c.last_state === 'lost') return ['warn', 'last run failed'];
  if (!c.freshness_objective_seconds) return ['idle', 'no objective'];
  if (c.freshness_objective_seconds && (c.age_seconds ?? 0) > 0.8 * c.freshness_objective_seconds) return ['warn', 'nearly late'];
  return ['ok', 'current'];
}

export function TableList({ source }: { source?: number }) {
  const q = param('q');
  const state = param('state');
  const copied = state === 'copied' || state === 'late' || state === 'rejected';
  const cols: Col<T>[] = [
    { id: 'name', head: 'Table', cell: (t) => <span title={t.description ?? undefined}>{t.name}</span>, by: 'name' },
    ...(source ? [] : [{ id: 'source', head: 'Source', width: 110, above: 520, cell: (t: T) => <a href={link`/sources/${t.source_id ?? 0}`}>{t.source?.name}</a>, by: 'source_id' } satisfies Col<T>]),
    {
      id: 'copy',
      head: 'Copy',
      width: 150,
      cell: (t) => {
        const c = t.syncs[0];
        if (t.gone_at) return <State tone="idle" title="A crawl found it gone">gone</State>;
        if (!c) return <span class="faint">not copied</span>;
        const [tone, word] = copyTone(c);
        return <State tone={tone} title={c.name}>{word}</State>;
      },
    },
    {
      id: 'age',
      head: 'Age / objective',
      width: 130,
      right: true,
      above: 700,
      cell: (t) => {
        const c = t.syncs[0];
        return c ? (
          <span class="num">
            {duration(c.age_seconds)}
            <span class="muted">{c.freshness_objective_seconds ? ` / ${duration(c.freshness_objective_seconds)}` : ''}</span>
          </span>
        ) : null;
      },
    },
    { id: 'rows', head: 'Rows', width: 90, right: true, cell: (t) => <Num n={t.syncs[0]?.rows ?? t.rows} unit="rows" />, by: 'rows' },
    { id: 'key', head: 'Key', width: 130, above: 980, cell: (t) => <span class="muted">{((t.key ?? []) as string[]).join(', ')}</span> },
    { id: 'cursor', head: 'Cursor', width: 150, above: 1080, cell: (t) => <span class="muted">{t.cursor_column}</span>, by: 'cursor_column' },
    { id: 'kind', head: 'Kind', width: 110, above: 860, cell: (t) => <Badge>{t.kind}</Badge>, by: 'kind' },
    { id: 'crawled', head: 'Looked at', width: 110, above: 1180, cell: (t) => <When at={t.crawled_at} />, by: 'crawled_at' },
  ];
  const rows = useServer<'tables', (typeof COLUMNS)[number], { source: { name: string } | null; syncs: CopyOf[] }>(
    'tables',
    {
      select: COLUMNS,
      embed: `source:sources(name),syncs${copied ? '!inner' : ''}(name,state,fresh,age_seconds,freshness_objective_seconds,rows,rejected,last_state)`,
      where: { source_id: source ? `eq.${source}` : null, or: anyOf(['name', 'description', 'local_name'], q), gone_at: state === 'gone' ? 'not.is.null' : null, 'syncs.fresh': state === 'late' ? 'is.false' : null, 'syncs.rejected': state === 'rejected' ? 'gt.0' : null },
    },
    cols,
    { otherwise: 'source_id,name,id', on: ['ingest.sync.completed', 'ingest.table.', 'ingest.run.failed'], every: 30 },
  );
  return (
    <>
      <div class="bar-of">
        <Filter label="Filter tables" />
        <Choice
          name="state"
          label="Show"
          options={[
            ['', 'all'],
            ['copied', 'copied'],
            ['late', 'late'],
            ['rejected', 'with rejected rows'],
            ['gone', 'gone at the source'],
          ]}
        />
      </div>
      <Table
        label="Tables"
        fill
        foot
        cols={cols}
        rows={rows}
        href={(t) => link`/tables/${t.id ?? 0}`}
        key_={(t) => t.id ?? 0}
        empty={
          q || state ? (
            <p class="none">No table matches.</p>
          ) : (
            <Empty title="No table yet">
              <p>Tables appear when a source is registered and crawled:</p>
              <Sql text={FIRST_SOURCE} label="Register a source and see what it holds" />
            </Empty>
          )
        }
      />
    </>
  );
}

export function TablesPage() {
  return <TableList />;
}
