// What is told to whoever listens: as it happens, and who has heard it
import { useEffect, useRef, useState } from 'preact/hooks';
import { end, list, type Row } from '../lib/api';
import { written } from '../lib/exact';
import { absolute, clock, moment, plain, short } from '../lib/format';
import { live, onEvent, type CloudEvent } from '../lib/live';
import { useQuery } from '../lib/query';
import { param, setQuery } from '../lib/router';
import { Act, Badge, Copy, Empty, Filter, Json, Num, Span, Sql, State, Tabs, Waiting, When, Wrong, type Tone } from '../ui/bits';
import { Table, useLocal, type Col } from '../ui/table';
import { may } from '../lib/session';

const MOST = 2000;
const EVENT = ['era', 'id', 'type', 'source', 'subject', 'time', 'data'] as const;
/** as consumers get it */
const cloud = (e: Row<'events', (typeof EVENT)[number]>): CloudEvent => ({ specversion: '1.0', id: `${e.era}-${e.id}`, type: e.type ?? '', source: e.source ?? '', subject: e.subject ?? '', time: e.time ?? '', data: e.data });

export function eventTone(type: string): Tone {
  if (/failed|dead|stopped|opened|detected|rejected|removed/.test(type)) return type.includes('circuit') || type.includes('failed') || type.includes('dead') ? 'bad' : 'warn';
  if (/completed|closed|resumed|returned/.test(type)) return 'ok';
  if (/changed|added|created|discovered|registered/.test(type)) return 'busy';
  return 'idle';
}

export function Events() {
  const tab = param('tab', 'live');
  return (
    <>
      <Tabs
        tabs={[
          { id: 'live', label: 'Live' },
          { id: 'consumers', label: 'Consumers' },
        ]}
      />
      {tab === 'consumers' ? <Consumers /> : <Tail />}
    </>
  );
}

function Tail() {
  const q = param('q');
  const type = param('type');
  const chosen = param('event');
  const [all, setAll] = useState<CloudEvent[]>([]);
  const [paused, setPaused] = useState(false);
  const [held, setHeld] = useState(0);
  const waiting = useRef<CloudEvent[]>([]);
  const stopped = useRef(false);
  stopped.current = paused;
  // those of just before, then those that come
  const past = useQuery('events', (stop) => list('events', { select: EVENT, order: 'id.desc', limit: 200 }, stop));
  useEffect(() => {
    let frame = 0;
    const flush = () => {
      frame = 0;
      if (stopped.current) return setHeld(waiting.current.length);
      const come = waiting.current.reverse();
      waiting.current = [];
      setHeld(0);
      setAll((a) => [...come, ...a].slice(0, MOST));
    };
    const deaf = onEvent((_, event) => {
      waiting.current.push(event);
      if (waiting.current.length > MOST) waiting.current.shift();
      frame ||= window.setTimeout(flush, 120);
    });
    if (!paused) flush();
    return () => {
      deaf();
      clearTimeout(frame);
    };
  }, [paused]);
  const known = new Set(all.map((e) => e.id));
  const before = (past.data ?? []).map(cloud).filter((e) => !known.has(e.id));
  const events = [...all, ...before];
  const types = [...new Set(events.map((e) => e.type))].sort();
  const words = q.toLowerCase();
  const shown = events.filter((e) => (!type || e.type === type) && (!words || `${e.type} ${e.subject} ${plain(e.data)}`.toLowerCase().includes(words)));
  const cols: Col<CloudEvent>[] = [
    { id: 'type', head: 'Type', width: 250, cell: (e) => <span class="plain"><State tone={eventTone(e.type)}>{e.type}</State></span> },
    { id: 'subject', head: 'Subject', width: 190, above: 520, cell: (e) => <span title={e.subject}>{e.subject}</span> },
    { id: 'data', head: 'Data', above: 760, cell: (e) => <span class="muted mono">{plain(e.data)}</span> },
    { id: 'time', head: 'When', width: 96, right: true, cell: (e) => <time dateTime={e.time} title={absolute(e.time)}>{clock(moment(e.time) ?? 0)}</time> },
  ];
  const rows = useLocal(shown, cols, { loading: past.loading && !past.data, problem: past.problem, reload: past.reload });
  const here = chosen ? events.find((e) => e.id === chosen) : undefined;
  // a link may lead to one that is older than what is shown
  const [era, id] = /^(\d+)-(\d+)$/.exec(chosen)?.slice(1) ?? [];
  const older = useQuery('event ' + chosen, async (stop) => (await list('events', { select: EVENT, where: { era: `eq.${era}`, id: `eq.${id}` }, limit: 1 }, stop))[0] ?? null, { off: !id || !!here || !past.data });
  const open = here ?? (older.data && chosen ? cloud(older.data) : undefined);
  if (live.value === 'off' && past.problem)
    return (
      <section class="panel">
        <Empty title="You may not read events">
          <p>Events are for consumers. Somebody who may grant the role can run:</p>
          <Sql text="GRANT ingest_consumer TO you;" />
        </Empty>
      </section>
    );
  return (
    <>
      <div class="bar-of">
        <Filter label="Filter by type, subject or data" />
        <label class="choice">
          <span>Type</span>
          <select value={type} onChange={(e) => setQuery({ type: e.currentTarget.value }, true)}>
            <option value="">any</option>
            {[...new Set([...types, ...(type ? [type] : [])])].map((t) => (
              <option key={t} value={t}>
                {t}
              </option>
            ))}
          </select>
        </label>
        <button type="button" aria-pressed={paused} onClick={() => setPaused(!paused)}>
          {paused ? `Go on${held ? ` (${short(held)} new)` : ''}` : 'Pause'}
        </button>
        {live.value === 'live' && !paused && <State tone="ok">following</State>}
      </div>
      <div class={chosen ? 'split' : ''} style={{ flex: '1 1 0', minHeight: '320px', display: 'flex', flexDirection: 'column' }}>
        <Table
          label="Events"
          fill
          cols={cols}
          rows={rows}
          open={(e) => setQuery({ event: e.id === chosen ? null : e.id })}
          key_={(e) => e.id}
          rowTone={(e) => (e.id === chosen ? 'chosen' : undefined)}
          empty={
            q || type ? (
              <p class="none">No event is like that.</p>
            ) : (
              <Empty title="No event yet">
                <p>Everything that happens is an event, written in the transaction in which it happens. One of your own:</p>
                <Sql text={`SELECT ingest.emit('com.example.order.approved', 'order/4711', '{"total": 99.5}');`} />
              </Empty>
            )
          }
        />
        {chosen && !open && past.data && (!id || older.data === null) && (
          <section class="panel detail" aria-label="Event">
            <Empty title={`There is no event ${chosen}`}>
              <p>Events are kept for ingest.event_retention, longer for consumers that have not read them.</p>
            </Empty>
          </section>
        )}
        {open && (
          <section class="panel detail" aria-label="Event">
            <header>
              <h2 class="cut">{open.type}</h2>
              <div class="aside">
                <Copy text={written(open, 2)} label="Copy JSON" />
                <button type="button" class="quiet small" aria-label="Close" onClick={() => setQuery({ event: null })}>
                  ✕
                </button>
              </div>
            </header>
            <div class="pad">
              <p class="muted small">A CloudEvent, as consumers and sinks get it</p>
              <Json value={open} />
            </div>
          </section>
        )}
      </div>
    </>
  );
}

const CONSUMER = ['name', 'owner', 'types', 'behind', 'oldest_at', 'behind_seconds', 'reading', 'last_ack', 'created_at'] as const;

function Consumers() {
  const q = param('q').toLowerCase();
  const consumers = useQuery('consumers', (stop) => list('consumers', { select: CONSUMER, order: 'behind.desc,name', limit: 1000 }, stop), { every: 5 });
  const can = may('operate');
  const cols: Col<Row<'consumers', (typeof CONSUMER)[number]>>[] = [
    { id: 'name', head: 'Consumer', cell: (c) => <span title={`of ${c.owner}`}>{c.name}</span>, by: (c) => c.name },
    { id: 'behind', head: 'Behind', width: 130, cell: (c) => <State tone={!c.behind ? 'ok' : (c.behind_seconds ?? 0) > 3600 ? 'warn' : 'idle'}>{c.behind ? <><Num n={c.behind} unit="events" /> events</> : 'nothing'}</State>, by: (c) => c.behind },
    { id: 'since', head: 'Since', width: 90, right: true, above: 520, cell: (c) => <Span s={c.behind_seconds} />, by: (c) => c.behind_seconds },
    { id: 'types', head: 'Wants', above: 700, cell: (c) => <span class="muted mono" title={((c.types ?? []) as string[]).join('\n')}>{c.types ? (c.types as string[]).join(', ') : 'all'}</span> },
    { id: 'ack', head: 'Acknowledged', width: 130, above: 600, cell: (c) => <When at={c.last_ack} />, by: (c) => c.last_ack },
    { id: 'reading', head: 'State', width: 100, above: 860, cell: (c) => (c.reading ? <Badge tone="busy">reading</Badge> : <span class="faint">at rest</span>) },
    ...(can
      ? [
          {
            id: 'do',
            head: '',
            width: 84,
            cell: (c) => (c.name?.startsWith('sink ') ? null : (
              <Act quiet title={`Forget ${c.name}`} sure={`${c.name} is forgotten, with its place: a consumer of that name begins anew.`} does={() => end('/v1/consumers/{key}', { key: c.name ?? '' })} done="Forgotten">
                Forget
              </Act>
            )),
          } satisfies Col<Row<'consumers', (typeof CONSUMER)[number]>>,
        ]
      : []),
  ];
  const rows = useLocal(consumers.data?.filter((c) => !q || c.name?.toLowerCase().includes(q)), cols, consumers);
  if (consumers.problem && !consumers.data) return <Wrong problem={consumers.problem} retry={consumers.reload} />;
  if (!consumers.data) return <Waiting />;
  return (
    <>
      <div class="bar-of">
        <Filter label="Filter consumers" />
      </div>
      <Table
        label="Consumers"
        fill
        cols={cols}
        rows={rows}
        key_={(c) => c.name ?? ''}
        empty={
          <Empty title="No consumer yet">
            <p>A consumer reads events in order and acknowledges what it has dealt with; what it has not comes again.</p>
            <Sql text={"SELECT ingest.subscribe('warehouse', '{ingest.sync.*}');\nSELECT id, type, subject, data FROM ingest.read_events('warehouse', 100);\nSELECT ingest.ack('warehouse', 4711);"} />
          </Empty>
        }
      />
    </>
  );
}

