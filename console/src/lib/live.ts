// The stream of events: one for the whole page. It goes on where it stood, however it ended.
import { signal } from '@preact/signals';
import { ask, expired, lostSince, Problem } from './api';
import { exactly } from './exact';

export interface CloudEvent {
  specversion: string;
  id: string;
  source: string;
  type: string;
  subject?: string;
  time: string;
  data?: unknown;
  [more: string]: unknown;
}

/** live: events come as they are written; off: one may not hear them, so pages ask by the clock */
export const live = signal<'connecting' | 'live' | 'lost' | 'off'>('connecting');

type Hearer = (type: string, event: CloudEvent) => void;
const hearers = new Set<Hearer>();
export function onEvent(hear: Hearer): () => void {
  hearers.add(hear);
  return () => void hearers.delete(hear);
}

/** an event came */
export function tell(event: CloudEvent): void {
  for (const hear of [...hearers]) hear(event.type, event);
}

/** milliseconds without a word after which a stream is held to be dead: the gateway says its place every 15 s */
const SILENCE = 40_000;

let stream: EventSource | null = null;
let place = '';
let timer = 0;
let watch = 0;
let tries = 0;

export function startStream(): void {
  stopStream();
  connect();
}

export function stopStream(): void {
  clearTimeout(timer);
  clearTimeout(watch);
  stream?.close();
  stream = null;
}

function connect(): void {
  stream = new EventSource('/v1/events' + (place ? '?after=' + encodeURIComponent(place) : ''));
  const opened = stream;
  // a connection that a network forgot does not end: it falls silent
  const alive = () => {
    clearTimeout(watch);
    watch = window.setTimeout(() => opened.onerror?.(new Event('error')), SILENCE);
  };
  alive();
  const at = (event: MessageEvent) => {
    alive();
    if (event.lastEventId) place = event.lastEventId;
  };
  opened.onopen = () => {
    alive();
    tries = 0;
    live.value = 'live';
    lostSince.value = null;
  };
  opened.addEventListener('place', at);
  opened.onmessage = (event) => {
    at(event);
    let said: CloudEvent;
    try {
      said = exactly(event.data as string) as CloudEvent;
    } catch {
      return;
    }
    tell(said);
  };
  opened.onerror = () => {
    if (stream !== opened) return;
    // the browser would try again by itself, but not after every end, and without a word
    opened.close();
    clearTimeout(watch);
    if (live.value !== 'off') live.value = 'lost';
    clearTimeout(timer);
    timer = window.setTimeout(again, Math.min(1000 * 2 ** tries++, 15000));
  };
}

// why it ended: no right to, a place that is too old, or nobody there
async function again(): Promise<void> {
  if (expired.peek()) {
    timer = window.setTimeout(again, 2000);
    return;
  }
  try {
    await ask('GET', '/v1/events?limit=1' + (place ? '&after=' + encodeURIComponent(place) : '&after=0'));
  } catch (problem) {
    const status = problem instanceof Problem ? problem.status : 0;
    if (status === 410) place = '';
    else if (status === 403 || status === 409 || status === 404) {
      live.value = 'off';
      return;
    } else {
      const after = problem instanceof Problem ? problem.after * 1000 : 0;
      timer = window.setTimeout(again, Math.max(after, Math.min(1000 * 2 ** tries++, 15000)));
      return;
    }
  }
  connect();
}
