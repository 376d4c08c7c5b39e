// Where events go, whether they arrive, and what to do where they do not
import { useState } from 'preact/hooks';
import { act, anyOf, list, one, type Row } from '../lib/api';
import { absolute, duration, literal, short } from '../lib/format';
import { useQuery } from '../lib/query';
import { link, param, withQuery } from '../lib/router';
import { may } from '../lib/session';
import { Act, Badge, Dialog, Empty, Facts, Filter, Num, Panel, Span, Sql, State, submits, Waiting, When, Wrong, type Tone } from '../ui/bits';
import { Sparkline } from '../ui/charts';
import { useName } from '../ui/crumbs';
import { Table, useLocal, useServer, type Col } from '../ui/table';

const SINK = ['name', 'kind', 'owner', 'state', 'reason', 'url', 'breaker', 'open_until', 'failures', 'behind', 'behind_seconds', 'blocked', 'parked', 'dead', 'sent', 'expired', 'rate', 'last_sent_at', 'last_error', 'last_error_at'] as const;
type S = Row<'sinks', (typeof SINK)[number]>;

const FIRST = `CREATE EXTENSION ingest_delivery;
CREATE USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (orders 'whsec_…');
SELECT ingest_delivery.create_sink('orders', 'webhook',
    '{"url": "https://hooks.example.com/ingest", "secret": "mapping:ingest_secrets/orders"}',
    types => '{ingest.rows.changed}');`;

function sinkTone(s: S): [Tone, string] {
  if (s.state === 'paused') return ['idle', 'paused'];
  if (s.breaker === 'open') return ['bad', 'unavailable'];
  if (s.breaker === 'half-open') return ['warn', 'trying again'];
  if (s.dead) return ['warn', 'some given up'];
  if (s.behind && (s.behind_seconds ?? 0) > 300) return ['warn', 'behind'];
  return ['ok', 'delivering'];
}

export function Sinks() {
  const q = param('q').toLowerCase();
  const sinks = useQuery('sinks', (stop) => list('sinks', { select: SINK, order: 'name', limit: 1000 }, stop), { every: 4, on: ['ingest.sink.'] });
  const cols: Col<S>[] = [
    { id: 'name', head: 'Sink', cell: (s) => s.name, by: (s) => s.name },
    { id: 'state', head: 'State', width: 140, cell: (s) => ((t) => <State tone={t[0]} title={s.last_error ?? s.reason ?? undefined}>{t[1]}</State>)(sinkTone(s)), by: (s) => sinkTone(s)[1] },
    { id: 'kind', head: 'Kind', width: 110, above: 560, cell: (s) => <Badge>{s.kind}</Badge>, by: (s) => s.kind },
    { id: 'behind', head: 'Behind', width: 90, right: true, cell: (s) => <Num n={s.behind} unit="events" />, by: (s) => s.behind },
    { id: 'since', head: 'Since', width: 90, right: true, above: 700, cell: (s) => <Span s={s.behind_seconds} />, by: (s) => s.behind_seconds },
    { id: 'rate', head: 'Per second', width: 96, right: true, above: 900, cell: (s) => <Num n={s.rate} />, by: (s) => s.rate },
    { id: 'sent', head: 'Arrived', width: 90, right: true, above: 640, cell: (s) => <Num n={s.sent} unit="events" />, by: (s) => s.sent },
    { id: 'dead', head: 'Given up', width: 90, right: true, above: 800, cell: (s) => <Num n={s.dead} unit="events" />, by: (s) => s.dead },
    { id: 'last', head: 'Last arrived', width: 120, above: 980, cell: (s) => <When at={s.last_sent_at} />, by: (s) => s.last_sent_at },
    { id: 'url', head: 'To', above: 1080, cell: (s) => <span class="muted" title={s.url ?? ''}>{s.url}</span> },
  ];
  const rows = useLocal(sinks.data?.filter((s) => !q || `${s.name} ${s.kind} ${s.url}`.toLowerCase().includes(q)), cols, sinks);
  return (
    <>
      <div class="bar-of">
        <Filter label="Filter sinks" />
      </div>
      <Table
        label="Sinks"
        fill
        foot
        cols={cols}
        rows={rows}
        href={(s) => link`/sinks/${s.name ?? ''}`}
        key_={(s) => s.name ?? ''}
        empty={
          q ? undefined : (
            <Empty title="No sink yet">
              <p>A sink sends events to the outside: a webhook, Kafka, a mailbox, Alertmanager, Slack, Teams, PagerDuty. Signed, in order, at least once.</p>
              <Sql text={FIRST} label="A webhook" />
            </Empty>
          )
        }
      />
    </>
  );
}

const DELIVERY = ['sink', 'at', 'event', 'events', 'ok', 'status', 'error', 'answer', 'ms'] as const;
type Delivery = Row<'deliveries', (typeof DELIVERY)[number]>;

export function SinkPage({ name }: { name: string }) {
  useName(name);
  const sink = useQuery('sink ' + name, (stop) => one('sinks', { select: SINK, where: { name: `eq.${name}` } }, stop), { every: 3 });
  const [replay, setReplay] = useState(false);
  const q = param('q');
  const cols: Col<Delivery>[] = [
    { id: 'event', head: 'Event', width: 130, cell: (d) => <a href={withQuery('#/events', { event: d.event })}>{d.event}{(d.events ?? 1) > 1 ? ` and ${(d.events ?? 1) - 1} more` : ''}</a> },
    { id: 'ok', head: 'Outcome', width: 120, cell: (d) => <State tone={d.ok ? 'ok' : 'bad'}>{d.ok ? 'arrived' : 'refused'}</State>, by: 'ok' },
    { id: 'status', head: 'Answer', width: 80, right: true, above: 520, cell: (d) => <span class="num">{d.status ?? '–'}</span>, by: 'status' },
    { id: 'ms', head: 'Took', width: 80, right: true, above: 560, cell: (d) => <Span s={d.ms === null ? null : d.ms / 1000} />, by: 'ms' },
    { id: 'said', head: 'What it said', cell: (d) => <span class="muted" title={`${d.error ?? ''} ${d.answer ?? ''}`}>{d.error} {d.answer}</span> },
    { id: 'at', head: 'When', width: 100, above: 440, cell: (d) => <When at={d.at} />, by: 'at' },
  ];
  const rows = useServer('deliveries', { select: DELIVERY, where: { sink: `eq.${name}`, or: anyOf(['event', 'error', 'answer'], q), ok: param('show') === 'failed' ? 'is.false' : null } }, cols, { otherwise: 'at.desc', every: 4, on: ['ingest.', 'com.'] });
  const s = sink.data;
  if (sink.problem && !s) return <Wrong problem={sink.problem} retry={sink.reload} />;
  if (s === undefined) return <Waiting lines={6} />;
  if (s === null) return <section class="panel"><Empty title="There is no such sink"><p>It was dropped, or it is not yours.</p></Empty></section>;
  const [tone, word] = sinkTone(s);
  const can = may('operate');
  const recent: number[] = [];
  for (let i = Math.min(rows.total, 60) - 1; i >= 0; i--) {
    const d = rows.at(i);
    if (d?.ms !== null && d?.ms !== undefined) recent.push(d.ms / 1000);
  }
  return (
    <>
      <div class="head-of">
        <div class="grow">
          <h2>{s.name}</h2>
          <div class="row muted">
            <State tone={tone}>{word}</State>
            <Badge>{s.kind}</Badge>
            <span class="cut">{s.url}</span>
            <span>of {s.owner}</span>
          </div>
        </div>
        {can && (
          <div class="do">
            <Act title="One event of type ingest.sink.test is sent now" does={() => act('/v1/sinks/{sink}/test', { sink: name }, {})} done={(r) => ((r as { ok?: boolean }).ok ? `It arrived: ${(r as { status?: number }).status ?? ''}` : `It did not arrive: ${(r as { error?: string }).error ?? ''}`)}>
              Test
            </Act>
            {s.state === 'paused' ? (
              <Act primary title="It goes on where it stood" does={() => act('/v1/sinks/{sink}/resume', { sink: name }, {})} done="Resumed">
                Resume
              </Act>
            ) : (
              <Act title="Nothing more is sent until it is resumed; its events are kept" does={() => act('/v1/sinks/{sink}/pause', { sink: name }, {})} done="Paused">
                Pause
              </Act>
            )}
            {(!!s.dead || !!s.parked || s.breaker !== 'closed') && (
              <Act primary title="What was given up and what waits is tried once more, now" does={() => act('/v1/sinks/{sink}/redrive', { sink: name }, {})} done={(r) => `${short((r as { events?: number }).events ?? 0)} events that had been given up are tried again, and what waits`}>
                Try again now
              </Act>
            )}
            <button type="button" onClick={() => setReplay(true)}>
              Replay …
            </button>
          </div>
        )}
      </div>
      {s.last_error && s.breaker !== 'closed' && (
        <Panel title="Why nothing arrives" aside={<When at={s.last_error_at} />}>
          <div class="wrong">
            <State tone="bad">{s.last_error}</State>
            <p>
              {short(s.failures)} failures in a row. {s.open_until ? <>It is tried again by itself <span title={absolute(s.open_until)}><When at={s.open_until} /></span>; Try again now does so at once. Nothing is lost meanwhile.</> : 'One event is tried, then two, four and so on.'}
            </p>
          </div>
        </Panel>
      )}
      <section class="panel" style={{ paddingTop: '10px' }}>
        <Facts
          facts={[
            ['Behind', <><Num n={s.behind} unit="events" /> events{s.behind_seconds !== null && <span class="muted">, since {duration(s.behind_seconds)}</span>}</>],
            ['Arrived', <Num n={s.sent} unit="events" />],
            ['Per second', <Num n={s.rate} />],
            ['Last arrived', <When at={s.last_sent_at} />],
            ['Given up', s.dead ? <State tone="warn"><Num n={s.dead} unit="events" /></State> : '0'],
            ['Waiting subjects', <><Num n={s.blocked} /> {!!s.parked && <span class="muted">with {short(s.parked)} events</span>}</>],
            ['Passed over, too old', <Num n={s.expired} />],
            recent.length > 1 ? ['Time to answer', <Sparkline values={recent} label="Seconds" />] : null,
          ]}
        />
      </section>
      <div class="bar-of">
        <h2>Deliveries</h2>
        <Filter label="Filter by event or answer" />
      </div>
      <Table label="Deliveries" fill foot cols={cols} rows={rows} key_={(d) => `${d.at} ${d.event}`} empty={<p class="none">Nothing was sent yet.</p>} />
      {replay && <Replay name={name} close={() => setReplay(false)} />}
    </>
  );
}

function Replay({ name, close }: { name: string; close: () => void }) {
  const [since, setSince] = useState(() => local(Date.now() - 3600e3));
  const [until, setUntil] = useState('');
  const [which, setWhich] = useState('all');
  return (
    <Dialog title={`Send again to ${name}`} close={close}>
      <form class="form" onSubmit={submits}>
        <p class="muted">Events that were written in this time are sent once more, under the same ids: who keeps those notices.</p>
        <label>
          Since
          <input type="datetime-local" required value={since} onInput={(e) => setSince(e.currentTarget.value)} />
        </label>
        <label>
          Until (now, if empty)
          <input type="datetime-local" value={until} onInput={(e) => setUntil(e.currentTarget.value)} />
        </label>
        <label>
          Which
          <select value={which} onChange={(e) => setWhich(e.currentTarget.value)}>
            <option value="all">all</option>
            <option value="failed">those that did not arrive</option>
            <option value="dead">those that were given up</option>
          </select>
        </label>
        <Sql text={`SELECT ingest_delivery.replay(${literal(name)}, ${literal(since)});`} />
        <footer>
          <Act
            primary
            title="They are sent again"
            disabled={!since}
            does={async () => {
              const r = await act('/v1/sinks/{sink}/replay', { sink: name }, { since: new Date(since).toISOString(), ...(until ? { until: new Date(until).toISOString() } : {}), which });
              close();
              return r;
            }}
            done={(r) => `${short((r as { events?: number }).events ?? 0)} events are sent again`}
          >
            Send again
          </Act>
        </footer>
      </form>
    </Dialog>
  );
}

function local(at: number): string {
  const d = new Date(at - new Date(at).getTimezoneOffset() * 60e3);
  return d.toISOString().slice(0, 16);
}
