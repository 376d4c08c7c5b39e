// Who may ask by HTTP
import { useState } from 'preact/hooks';
import { act, end, list, session, type Row } from '../lib/api';
import { moment } from '../lib/format';
import { useQuery } from '../lib/query';
import { param } from '../lib/router';
import { may } from '../lib/session';
import { now } from '../lib/time';
import { Act, Badge, Copy, Dialog, Empty, Filter, Sql, State, submits, When } from '../ui/bits';
import { Table, useLocal, type Col } from '../ui/table';

const TOKEN = ['name', 'prefix', 'role', 'scopes', 'owner', 'created_at', 'expires_at', 'revoked_at', 'used_at'] as const;
type T = Row<'tokens', (typeof TOKEN)[number]>;

export function Tokens() {
  const q = param('q').toLowerCase();
  const [making, setMaking] = useState(false);
  const tokens = useQuery('tokens', (stop) => list('tokens', { select: TOKEN, order: 'revoked_at.desc.nullsfirst,created_at.desc', limit: 1000 }, stop), { every: 20 });
  const can = may('admin');
  const state = (t: T) => (t.revoked_at ? 'revoked' : (moment(t.expires_at) ?? Infinity) < now.value ? 'expired' : (moment(t.expires_at) ?? Infinity) < now.value + 7 * 86400e3 ? 'ends soon' : 'good');
  const cols: Col<T>[] = [
    { id: 'name', head: 'Token', cell: (t) => t.name, by: (t) => t.name },
    { id: 'state', head: 'State', width: 110, cell: (t) => ((s) => <State tone={s === 'good' ? 'ok' : s === 'ends soon' ? 'warn' : 'idle'}>{s}</State>)(state(t)), by: state },
    { id: 'prefix', head: 'Begins', width: 130, above: 700, cell: (t) => <span class="mono muted">{t.prefix}…</span> },
    { id: 'role', head: 'Acts as', width: 120, above: 520, cell: (t) => t.role, by: (t) => t.role },
    { id: 'scopes', head: 'Scopes', width: 150, above: 620, cell: (t) => ((t.scopes ?? []) as string[]).map((s) => <Badge key={s}>{s}</Badge>) },
    { id: 'used', head: 'Last used', width: 110, above: 820, cell: (t) => (t.used_at ? <When at={t.used_at} /> : <span class="faint">never</span>), by: (t) => t.used_at },
    { id: 'expires', head: 'Ends', width: 110, above: 460, cell: (t) => <When at={t.expires_at} />, by: (t) => t.expires_at },
    { id: 'owner', head: 'Made by', width: 120, above: 940, cell: (t) => <span class="muted">{t.owner}</span>, by: (t) => t.owner },
    ...(can
      ? [
          {
            id: 'do',
            head: '',
            width: 90,
            cell: (t: T) =>
              t.revoked_at ? null : (
                <Act quiet title={`Revoke ${t.name}`} sure={`Whoever asks with “${t.name}” (${t.prefix}…) is refused from now on. It cannot be taken back; another one can be made.`} does={() => end('/v1/tokens/{key}', { key: t.prefix ?? '' })} done="Revoked, at once">
                  Revoke
                </Act>
              ),
          } satisfies Col<T>,
        ]
      : []),
  ];
  const rows = useLocal(tokens.data?.filter((t) => !q || `${t.name} ${t.role} ${t.owner} ${t.prefix}`.toLowerCase().includes(q)), cols, tokens);
  return (
    <>
      <div class="bar-of">
        <Filter label="Filter tokens" />
        {can ? (
          <button type="button" class="primary" onClick={() => setMaking(true)}>
            New token
          </button>
        ) : (
          <span class="muted small">Making and revoking needs the scope admin; this session has {session.value?.scope}.</span>
        )}
      </div>
      <Table
        label="Tokens"
        fill
        foot
        cols={cols}
        rows={rows}
        key_={(t) => t.prefix ?? ''}
        empty={
          <Empty title="No token yet">
            <p>A token lets a script act as a role, within its scope. It is shown only once.</p>
            <Sql text="SELECT ingest_api.create_token('my script', scopes => '{read}', expires => '90 days');" />
          </Empty>
        }
      />
      {making && <Make close={() => setMaking(false)} />}
    </>
  );
}

function Make({ close }: { close: () => void }) {
  const [name, setName] = useState('');
  const [scope, setScope] = useState('read');
  const [expires, setExpires] = useState('90 days');
  const [made, setMade] = useState<string | null>(null);
  if (made)
    return (
      <Dialog title="Your token" close={close}>
        <p>It is shown only this once. Whoever has it acts as {session.value?.role}.</p>
        <p class="row">
          <code class="token" tabIndex={0}>{made}</code>
          <Copy text={made} />
        </p>
        <Sql label="In a shell" text={`curl -H "Authorization: Bearer $TOKEN" ${location.origin}/v1/syncs?select=name,fresh`} />
      </Dialog>
    );
  return (
    <Dialog title="New token" close={close}>
      <form class="form" onSubmit={submits}>
        <label>
          Name
          <input required name="name" value={name} placeholder="nightly export" onInput={(e) => setName(e.currentTarget.value)} />
        </label>
        <label>
          Scope
          <select name="scope" value={scope} onChange={(e) => setScope(e.currentTarget.value)}>
            <option value="read">read: reads</option>
            <option value="operate">operate: also does things</option>
            <option value="admin">admin: also makes tokens</option>
          </select>
        </label>
        <label>
          Good for
          <select name="expires" value={expires} onChange={(e) => setExpires(e.currentTarget.value)}>
            {['1 day', '7 days', '30 days', '90 days', '1 year'].map((d) => (
              <option key={d}>{d}</option>
            ))}
          </select>
        </label>
        <footer>
          <Act
            primary
            disabled={!name.trim()}
            title="It is made and shown once"
            does={async () => {
              const answer = (await act('/v1/tokens', {} as never, { name: name.trim(), scopes: [scope], expires })) as { token?: string };
              setMade(answer.token ?? '');
            }}
            done="Made"
          >
            Make
          </Act>
        </footer>
      </form>
    </Dialog>
  );
}
