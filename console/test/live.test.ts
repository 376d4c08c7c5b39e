import { afterEach, beforeEach, expect, it, vi } from 'vitest';

/** what a browser has, as far as a stream needs it */
class Source {
  static all: Source[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((e: { data: string; lastEventId: string }) => void) | null = null;
  onerror: ((e: unknown) => void) | null = null;
  closed = false;
  private readonly hears = new Map<string, (e: { lastEventId: string }) => void>();
  constructor(readonly url: string) {
    Source.all.push(this);
  }
  addEventListener(type: string, hear: (e: { lastEventId: string }) => void) {
    this.hears.set(type, hear);
  }
  close() {
    this.closed = true;
  }
  place(id: string) {
    this.hears.get('place')!({ lastEventId: id });
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('window', globalThis);
  vi.stubGlobal('EventSource', Source);
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('[]')));
  Source.all = [];
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.resetModules();
});

it('a stream that falls silent is taken up again where it stood', async () => {
  const { live, startStream } = await import('../src/lib/live');
  startStream();
  const first = Source.all[0]!;
  first.onopen!();
  for (let i = 0; i < 8; i++) {
    await vi.advanceTimersByTimeAsync(15_000);
    first.place('7-' + i);
  }
  expect([Source.all.length, first.closed, live.value]).toEqual([1, false, 'live']);
  // a network that forgot the connection tells nobody
  await vi.advanceTimersByTimeAsync(41_000);
  expect([first.closed, live.value]).toEqual([true, 'lost']);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(Source.all.map((s) => s.url)).toEqual(['/v1/events', '/v1/events?after=7-7']);
  Source.all[1]!.onopen!();
  expect(live.value).toBe('live');
});

it('who may not hear events is not asked for ever', async () => {
  const { live, startStream } = await import('../src/lib/live');
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('', { status: 403 })));
  startStream();
  Source.all[0]!.onerror!({});
  await vi.advanceTimersByTimeAsync(120_000);
  expect([Source.all.length, live.value]).toEqual([1, 'off']);
});

it('who asked too often waits as long as the server says', async () => {
  const { startStream } = await import('../src/lib/live');
  let asked = 0;
  vi.stubGlobal('fetch', () => (asked++, Promise.resolve(new Response('', { status: 429, headers: { 'retry-after': '30' } }))));
  startStream();
  Source.all[0]!.onerror!({});
  await vi.advanceTimersByTimeAsync(29_000);
  expect(asked).toBe(1);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(asked).toBe(2);
});

it('a place that is too old is given up', async () => {
  const { startStream } = await import('../src/lib/live');
  startStream();
  Source.all[0]!.place('1-1');
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('', { status: 410 })));
  Source.all[0]!.onerror!({});
  await vi.advanceTimersByTimeAsync(3_000);
  expect(Source.all.at(-1)!.url).toBe('/v1/events');
});
