// How rows changed: the last changes, versions of one row side by side, all of a table as it was
import { useState } from 'preact/hooks';
import { rowsOf, type Row } from '../lib/api';
import { written } from '../lib/exact';
import { absolute, clock, literal, plain } from '../lib/format';
import { differences, keyText } from '../lib/rows';
import { useQuery } from '../lib/query';
import { param, setQuery } from '../lib/router';
import { Answered, Badge, Behind, Empty, Panel, Sql, Value, Waiting, When, Wrong } from '../ui/bits';
import { Table, useServer, type Col } from '../ui/table';
import { Grid } from './table';

const CHANGE = ['id', 'operation', 'key', 'before', 'after', 'source_time', 'seen_at', 'run_id'] as const;
type Change = Row<'changes', (typeof CHANGE)[number]>;

export function History({ id, sync, relation, keys }: { id: number; sync: number | null; relation: string; keys: string[] }) {
  const row = param('row');
  const time = param('time');
  const view = time ? 'asof' : row ? 'row' : '';
  if (sync === null)
    return (
      <section class="panel">
        <Empty title="It is not copied">
          <p>Versions of rows are kept of copies with history:</p>
          <Sql text={`SELECT ingest.create_sync(${literal(relation)}, ${literal('books.' + (relation.split('.')[1] ?? 'copy'))}, history => true);`} />
        </Empty>
      </section>
    );
  return (
    <>
      <div class="bar-of">
        <Ask key={row} label={keys.length > 1 ? `Row by ${keys.join(', ')} as JSON` : `Row by ${keys[0] ?? 'key'}`} value={row} set={(v) => setQuery({ row: v, time: null }, true)} />
        <label class="choice">
          <span>As of</span>
          <input type="datetime-local" step={1} value={time ? local(time) : ''} onChange={(e) => setQuery({ time: e.currentTarget.value ? new Date(e.currentTarget.value).toISOString() : null, row: null }, true)} />
        </label>
        {view && (
          <button type="button" class="quiet" onClick={() => setQuery({ row: null, time: null }, true)}>
            Last changes
          </button>
        )}
      </div>
      {view === 'asof' ? <AsOf id={id} time={time} /> : view === 'row' ? <Versions id={id} row={row} /> : <Changes sync={sync} relation={relation} />}
    </>
  );
}

const local = (iso: string) => {
  const at = Date.parse(iso);
  return Number.isNaN(at) ? '' : clock(at, undefined, true).replace(' ', 'T');
};

function Ask({ label, value, set }: { label: string; value: string; set: (v: string) => void }) {
  const [typed, setTyped] = useState(value);
  return (
    <form
      class="row"
      onSubmit={(e) => {
        e.preventDefault();
        set(typed.trim());
      }}
    >
      <input placeholder={label} aria-label={label} value={typed} onInput={(e) => setTyped(e.currentTarget.value)} style={{ width: '220px' }} />
      <button type="submit">Versions</button>
    </form>
  );
}

function Changes({ sync, relation }: { sync: number; relation: string }) {
  const cols: Col<Change>[] = [
    { id: 'key', head: 'Row', width: 150, cell: (c) => keyText(c.key) },
    { id: 'operation', head: 'What', width: 90, cell: (c) => <Badge tone={c.operation === 'delete' ? 'bad' : c.operation === 'insert' ? 'ok' : 'busy'}>{c.operation}</Badge> },
    {
      id: 'changed',
      head: 'Changed',
      cell: (c) => {
        if (c.operation === 'insert') return <span class="muted cut">{plain(c.after)}</span>;
        if (c.operation === 'delete') return <span class="muted cut">{plain(c.before)}</span>;
        const b = (c.before ?? {}) as Record<string, unknown>;
        const a = (c.after ?? {}) as Record<string, unknown>;
        const names = differences(b, a);
        return (
          <span title={names.map((n) => `${n}: ${plain(b[n])} → ${plain(a[n])}`).join('\n')}>
            {names.map((n) => (
              <span key={n}>
                <span class="muted">{n}</span> {plain(b[n]) || 'null'} → {plain(a[n]) || 'null'}{' '}
              </span>
            ))}
          </span>
        );
      },
    },
    { id: 'there', head: 'Changed there', width: 120, above: 760, cell: (c) => <When at={c.source_time} /> },
    { id: 'seen', head: 'Seen here', width: 110, above: 520, cell: (c) => <When at={c.seen_at} /> },
  ];
  const rows = useServer('changes', { select: CHANGE, where: { sync_id: `eq.${sync}`, operation: 'neq.load' } }, cols, { otherwise: 'id.desc', on: ['ingest.rows.changed'] });
  return (
    <Table
      label="Changes"
      fill
      foot
      cols={cols}
      rows={rows}
      open={(c) => setQuery({ row: keyText(c.key) }, true)}
      key_={(c) => c.id ?? 0}
      empty={
        <Empty title="No change yet">
          <p>Either nothing changed since the first load, or the copy keeps no history. With history each version of a row is kept:</p>
          <Sql text={`SELECT ingest.alter_sync(${literal(relation)}, history => true);`} />
        </Empty>
      }
    />
  );
}

interface Version {
  valid_from: string | null;
  valid_to: string | null;
  operation: string | null;
  version: Record<string, unknown> | null;
}

function Versions({ id, row }: { id: number; row: string }) {
  const shown = useQuery(`versions ${id} ${row}`, (stop) => rowsOf('/v1/tables/{id}/rows/{key}/versions', { id, key: row }, {} as never, stop), { on: ['ingest.rows.changed'] });
  if (shown.problem && !shown.data) return <Wrong problem={shown.problem} retry={shown.reload} />;
  if (!shown.data) return <Waiting lines={6} />;
  const all = (shown.data.rows ?? []) as unknown as Version[];
  if (!all.length) return <section class="panel"><Empty title={`Row ${row} has no version here`}><p>There is no row with that key, or nothing is known about it.</p></Empty></section>;
  const last = all.slice(-8);
  const hidden = all.length - last.length;
  const columns = [...new Set(last.flatMap((v) => Object.keys(v.version ?? {})))];
  return (
    <Panel title={`Row ${row}`} aside={<span>{all.length} {all.length === 1 ? 'version' : 'versions'}{hidden > 0 && `, the last ${last.length} are shown`}</span>}>
      <div class="scroll-x" tabIndex={0} role="region" aria-label="Versions side by side">
        <table class="diff" style={{ width: `${150 + last.length * 210}px` }}>
          <colgroup>
            <col style={{ width: '150px' }} />
          </colgroup>
          <thead>
            <tr>
              <th scope="col">Column</th>
              {last.map((v, i) => (
                <th key={i} scope="col" title={`${absolute(v.valid_from)} to ${v.valid_to ? absolute(v.valid_to) : 'now'}`}>
                  <Badge tone={v.operation === 'delete' ? 'bad' : v.operation === 'update' ? 'busy' : 'ok'}>{v.operation ?? 'first seen'}</Badge> {v.valid_from ? <When at={v.valid_from} /> : 'before'}
                  {!v.valid_to && v.version && <Badge>now</Badge>}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {columns.map((c) => (
              <tr key={c}>
                <th scope="row">{c}</th>
                {last.map((v, i) => {
                  const before = i > 0 ? last[i - 1]?.version : undefined;
                  const changed = before && v.version && written(before[c] ?? null) !== written(v.version[c] ?? null);
                  return (
                    <td key={i} class={changed ? 'changed' : ''} title={plain(v.version?.[c])}>
                      {changed && <span class="hidden">changed: </span>}
                      {v.version ? <Value v={v.version[c]} /> : <span class="faint">deleted</span>}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Behind sql={shown.data.sql} />
    </Panel>
  );
}

function AsOf({ id, time }: { id: number; time: string }) {
  const shown = useQuery(`as of ${id} ${time}`, (stop) => rowsOf('/v1/tables/{id}/as-of', { id }, { time, limit: 200 } as never, stop));
  return (
    <Panel title={`As it was ${absolute(time)}`} aside={<span class="small">the first 200 rows by key</span>}>
      <Answered of={shown} lines={8}>{(data) => <Grid shown={data} />}</Answered>
      <Behind sql={shown.data?.sql} />
    </Panel>
  );
}

