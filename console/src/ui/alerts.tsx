// What is wrong: what it is, where, and what to do about it
import { act, type Row } from '../lib/api';
import { link, withQuery } from '../lib/router';
import { may } from '../lib/session';
import { Act, Badge, severityTone, State, When } from './bits';
import { literal } from '../lib/format';

export const ALERT = ['id', 'kind', 'severity', 'subject', 'state', 'summary', 'source_id', 'sync_id', 'job_id', 'run_id', 'count', 'opened_at', 'last_seen_at', 'acknowledged_by', 'silenced_until', 'closed_at', 'closed_by'] as const;
export type Alert = Row<'alerts', (typeof ALERT)[number]> & { sync: { name: string; table_id: number } | null; source: { name: string } | null; job: { name: string } | null };
export const ALERT_EMBED = 'sync:syncs(name,table_id),source:sources(name),job:jobs(name)';

/** what a kind of alert is called, and what helps */
const HELP: Record<string, [string, string]> = {
  run_failed: ['Run failed', 'Read what its log says; a run that succeeds closes this.'],
  sync_stopped: ['Copy stopped', 'It needs attention. Fix the reason, then resume it.'],
  stale: ['Copy is late', 'It is older than its objective allows. Run it now, or see why its runs fail.'],
  source_unavailable: ['Source unavailable', 'Its breaker opened after several failures. Check the source; resuming closes it at once.'],
  job_dead: ['Job given up', 'It was tried as often as allowed. Fix the cause, then put it back.'],
  job_waiting: ['Job waits', 'It is due and was not begun. See what it waits for.'],
  schedule_error: ['Schedule broken', 'It cannot be kept. Give the job another one.'],
  rule_failed: ['Rule does not hold', 'Look at the rows that violate it; a check in which it holds closes this.'],
  anomaly: ['Anomaly', 'Look at the figures behind it, and mark it when it is dealt with.'],
  service_silent: ['Service silent', 'A background service shows no sign of life. Look into the server\u2019s log.'],
  sink_behind: ['Sink is behind', 'It has not received events written a while ago. Look at its deliveries; its receiver may be slow.'],
  sink_gave_up: ['Events given up', 'They were tried as often as allowed. Fix the receiver, then try again now.'],
  sink_stopped: ['Sink stopped', 'Its receiver said that it is gone for good (410). Resume it when it is back.'],
  sink_orphaned: ['Sink without an owner', 'Its owner was dropped. Drop the sink, or pause it.'],
  sink_unavailable: ['Sink unavailable', 'Nothing arrives there. Its receiver has to answer; then what waits is sent.'],
};
export const alertName = (kind: string | null) => HELP[kind ?? '']?.[0] ?? (kind ?? '').replaceAll('_', ' ').replace(/^./, (c) => c.toUpperCase());

export function alertHref(a: Alert): string {
  if (a.kind === 'anomaly') return withQuery('#/quality', { q: a.subject });
  if (a.kind === 'rule_failed') return withQuery('#/quality', { tab: 'rules', q: a.subject?.split(':')[0] ?? '' });
  if (a.kind?.startsWith('sink') && a.subject) return link`/sinks/${a.subject}`;
  if (a.run_id && a.kind !== 'stale') return link`/runs/${a.run_id}`;
  if (a.sync?.table_id) return link`/tables/${a.sync.table_id}`;
  if (a.kind === 'job_dead' || a.kind === 'job_waiting' || a.kind === 'schedule_error') return withQuery('#/runs', { tab: 'jobs', q: a.job?.name ?? a.subject });
  if (a.source_id) return link`/sources/${a.source_id}`;
  return '#/quality?tab=alerts';
}

function Deeds({ a }: { a: Alert }) {
  const can = may('operate');
  return (
    <div class="do">
      <a class="small" href={alertHref(a)}>
        Look
      </a>
      {can && a.sync && (a.kind === 'stale' || a.kind === 'run_failed') && (
        <Act quiet title={`Puts a run of ${a.sync.name} into the queue`} does={() => act('/v1/syncs/{sync}/run', { sync: a.sync!.name }, {})} done="Put into the queue">
          Run again
        </Act>
      )}
      {can && a.sync && a.kind === 'sync_stopped' && (
        <Act quiet title={`${a.sync.name} is run again`} does={() => act('/v1/syncs/{sync}/resume', { sync: a.sync!.name }, {})} done="Resumed">
          Resume
        </Act>
      )}
      {can && !a.sync && a.job && (a.kind === 'run_failed' || a.kind === 'job_dead') && (
        <Act quiet title={`Puts ${a.job.name} into the queue`} does={() => act('/v1/jobs/{job}/run', { job: a.job!.name }, {})} done="Put into the queue">
          Run again
        </Act>
      )}
      {can && a.kind === 'source_unavailable' && a.source && (
        <Act quiet title="Connection, login and permissions are checked" does={() => act('/v1/sources/{source}/check', { source: a.source!.name }, {})} done="A check was put into the queue">
          Check
        </Act>
      )}
      {can && a.kind === 'sink_unavailable' && a.subject && (
        <Act quiet title="One event is sent now" does={() => act('/v1/sinks/{sink}/test', { sink: a.subject! }, {})} done={(r) => ((r as { ok?: boolean }).ok ? 'The test arrived' : `It did not arrive: ${(r as { error?: string }).error ?? ''}`)}>
          Test
        </Act>
      )}
      {can && a.state === 'open' && (
        <Act quiet title="Others see that you take care of it" does={() => act('/v1/alerts/{alert}/acknowledge', { alert: String(a.id) }, {})} done="You take care of it">
          Acknowledge
        </Act>
      )}
      {can && a.state !== 'silenced' && (
        <Act quiet title="Nobody is told of alerts of this kind and subject for four hours" does={() => act('/v1/alerts/{alert}/silence', { alert: String(a.id) }, { until: new Date(Date.now() + 4 * 3600e3).toISOString(), reason: 'from the console' })} done="Silent for four hours">
          Silence 4 h
        </Act>
      )}
    </div>
  );
}

/** those of one kind and subject are one, with how many there are */
export function alike(alerts: Alert[]): (Alert & { more: number })[] {
  const seen = new Map<string, Alert & { more: number }>();
  for (const a of alerts) {
    const key = `${a.kind} ${a.severity} ${a.subject} ${a.state}`;
    const known = seen.get(key);
    if (known) known.more += 1;
    else seen.set(key, { ...a, more: 0 });
  }
  return [...seen.values()];
}

export function Alerts({ alerts, brief }: { alerts: Alert[]; brief?: boolean }) {
  const shown = brief ? alike(alerts).slice(0, 8) : alerts.map((a) => ({ ...a, more: 0 }));
  return (
    <ul class="items">
      {shown.map((a) => (
        <li key={a.id}>
          <div class="head">
            <State tone={severityTone(a.severity)}>{alertName(a.kind)}</State>
            <a class="cut grow" href={alertHref(a)}>
              {a.subject}
            </a>
            {a.state !== 'open' && <Badge title={a.acknowledged_by ? `${a.acknowledged_by} takes care of it` : undefined}>{a.state}</Badge>}
            <span class="muted small nowrap">
              <When at={a.opened_at} />
              {(a.count ?? 0) > 1 && <>, {a.count} ×</>}
            </span>
            {a.more > 0 && <Badge title="alerts of the same kind and subject">and {a.more} alike</Badge>}
          </div>
          <p class={'what' + (brief ? ' clamp' : '')} title={a.summary ?? ''}>
            {a.summary ?? HELP[a.kind ?? '']?.[1]}
          </p>
          {!brief && a.summary && HELP[a.kind ?? ''] && <p class="what small">{HELP[a.kind ?? '']![1]}</p>}
          <Deeds a={a} />
        </li>
      ))}
    </ul>
  );
}

export const silencing = (pattern: string) => `SELECT ingest.silence(${literal(pattern)}, now() + interval '4 hours', 'why');`;
