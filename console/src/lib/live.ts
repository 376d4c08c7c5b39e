// The stream of events: one for the whole page. It goes on where it stood, however it ended.
import { signal } from '@preact/signals';
import { ask, expired, lostSince, Problem } from './api';

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

let stream: EventSource | null = null;
let place = '';
let timer = 0;
let tries = 0;

export function startStream(): void {
  stopStream();
  connect();
}

export function stopStream(): void {
  clearTimeout(timer);
  stream?.close();
  stream = null;
}

function connect(): void {
  stream = new EventSource('/v1/events' + (place ? '?after=' + encodeURIComponent(place) : ''));
  const opened = stream;
  const at = (event: MessageEvent) => {
    if (event.lastEventId) place = event.lastEventId;
  };
  opened.onopen = () => {
    tries = 0;
    live.value = 'live';
    lostSince.value = null;
  };
  opened.addEventListener('place', at);
  opened.onmessage = (event) => {
    at(event);
    let said: CloudEvent;
    try {
      said = JSON.parse(event.data as string) as CloudEvent;
    } catch {
      return;
    }
    for (const hear of hearers) hear(said.type, said);
  };
  opened.onerror = () => {
    if (stream !== opened) return;
    // the browser would try again by itself, but not after every end, and without a word
    opened.close();
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
    } else if (status !== 429) {
      timer = window.setTimeout(again, Math.min(1000 * 2 ** tries++, 15000));
      return;
    }
  }
  connect();
}
