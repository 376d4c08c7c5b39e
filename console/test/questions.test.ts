import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { act, acted, ask, PATIENCE, Problem, REFUSALS, session } from '../src/lib/api';
import { live, tell } from '../src/lib/live';
import { dataOf, forgetAll, join, questionOf, stale, waitOf } from '../src/lib/questions';

const settle = () => vi.advanceTimersByTimeAsync(0);
const event = (type: string) => tell({ specversion: '1.0', id: '1', source: 'x', type, time: '' });
/** an answer that comes when it is told to */
function slow() {
  const waiting: { give: (v: unknown) => void; fail: (p: unknown) => void; stop: AbortSignal }[] = [];
  return { waiting, fetch: (stop: AbortSignal) => new Promise<unknown>((give, fail) => waiting.push({ give, fail, stop })) };
}
let left: (() => void)[] = [];
function look(key: string, fetch: (stop: AbortSignal) => Promise<unknown>, more: { every?: number; on?: string[] } = {}) {
  const redraw = vi.fn();
  left.push(join(key, { every: more.every ?? 0, on: more.on ?? [], fetch, redraw }));
  return redraw;
}

beforeEach(() => {
  vi.useFakeTimers();
  live.value = 'live';
});
afterEach(() => {
  for (const leave of left) leave();
  left = [];
  forgetAll();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('what is asked', () => {
  it('is asked once, however many parts of a page show it', async () => {
    const fetch = vi.fn(() => Promise.resolve(7));
    const one = look('a', fetch, { every: 20 });
    const other = look('a', fetch, { every: 20 });
    await settle();
    expect(fetch).toHaveBeenCalledTimes(1);
    look('a', fetch, { every: 20 });
    await settle();
    expect(fetch).toHaveBeenCalledTimes(1);
    expect([one.mock.calls.length, other.mock.calls.length, dataOf('a')]).toEqual([1, 1, 7]);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('comes although events come faster than it is answered', async () => {
    const s = slow();
    const redraw = look('a', s.fetch, { on: ['ingest.'] });
    for (let i = 0; i < 20; i++) {
      event('ingest.sync.completed');
      await vi.advanceTimersByTimeAsync(500);
    }
    expect(s.waiting).toHaveLength(1);
    expect(s.waiting[0]!.stop.aborted).toBe(false);
    s.waiting[0]!.give('old');
    await settle();
    expect(redraw).toHaveBeenCalled();
    // and what was told meanwhile is asked for afterwards
    await vi.advanceTimersByTimeAsync(500);
    expect(s.waiting).toHaveLength(2);
  });

  it('is asked again after something was done, whatever is under way', async () => {
    const s = slow();
    look('a', s.fetch);
    s.waiting[0]!.give('before');
    await settle();
    acted.value++;
    await settle();
    expect(s.waiting).toHaveLength(2);
    acted.value++;
    await settle();
    expect(s.waiting[1]!.stop.aborted).toBe(true);
    s.waiting[2]!.give('after');
    s.waiting[1]!.give('between');
    await settle();
    expect(dataOf('a')).toBe('after');
  });

  it('is asked by the clock by who hears no events', async () => {
    const fetch = vi.fn(() => Promise.resolve(1));
    look('a', fetch, { on: ['ingest.'] });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fetch).toHaveBeenCalledTimes(1);
    live.value = 'off';
    await vi.advanceTimersByTimeAsync(30_000);
    expect(fetch.mock.calls.length).toBeGreaterThanOrEqual(3);
  });

  it('is said not to be current where it cannot be asked again, and asked again', async () => {
    let wrong: Problem | null = null;
    const fetch = vi.fn(() => (wrong ? Promise.reject(wrong) : Promise.resolve('figures')));
    look('a', fetch, { every: 5 });
    await settle();
    wrong = new Problem(500, 'no');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(stale.value.map((s) => s.problem.message)).toEqual(['no']);
    expect(dataOf('a')).toBe('figures');
    wrong = null;
    await vi.advanceTimersByTimeAsync(15_000);
    expect(stale.value).toEqual([]);
    expect(questionOf('a')!.problem).toBeUndefined();
  });

  it('is not shown any longer to who may not see it any more', async () => {
    let wrong = 0;
    look('a', () => (wrong ? Promise.reject(new Problem(wrong, 'no')) : Promise.resolve('figures')), { every: 5 });
    await settle();
    wrong = 403;
    await vi.advanceTimersByTimeAsync(5_000);
    expect([dataOf('a'), questionOf('a')!.problem?.status]).toEqual([undefined, 403]);
  });

  it('is forgotten when somebody else is there', async () => {
    const as = (role: string) => (session.value = { role, database: 'd', scope: 'read', csrf: 'c' + role, expires_at: null });
    as('fin');
    look('a', () => Promise.resolve('of fin'));
    await settle();
    expect(dataOf('a')).toBe('of fin');
    as('reader');
    expect(dataOf('a')).toBe(undefined);
    session.value = null;
  });

  it.each([
    [undefined, 20, 20],
    [new Problem(0, ''), 20, 3],
    [new Problem(503, '', null, null, '', '', 8), 20, 8],
    [new Problem(429, '', null, null, '', '', 30), 2, 30],
    [new Problem(429, ''), 2, 5],
    [new Problem(500, ''), 2, 15],
    [new Problem(504, ''), 0, 15],
    [new Problem(400, ''), 0, 0],
  ])('waits after %s', (problem, every, wait) => expect(waitOf(problem, every)).toBe(wait));
});

describe('refusals', () => {
  const answer = (status: number, body: string, headers: Record<string, string> = {}) => new Response(body, { status, headers });
  it.each(Object.keys(REFUSALS).map(Number))('%i has words, and what to do, where the answer has none', async (status) => {
    for (const body of ['', '<html>nginx</html>', 'null', '"x"']) {
      vi.stubGlobal('fetch', () => Promise.resolve(answer(status, body)));
      const p = (await ask('GET', '/v1/x').catch((e: unknown) => e)) as Problem;
      expect(p).toBeInstanceOf(Problem);
      expect(p.message.length).toBeGreaterThan(15);
      expect(p.hint?.length).toBeGreaterThan(15);
      expect(p.message + p.hint).not.toMatch(/html|nginx|undefined/);
    }
  });
  it('are in the words of the API where it has some', async () => {
    vi.stubGlobal('fetch', () => Promise.resolve(answer(409, '{"message": "it runs", "hint": "wait", "details": "d"}', { 'x-request-id': 'r1', 'retry-after': '7' })));
    const p = (await ask('POST', '/v1/x').catch((e: unknown) => e)) as Problem;
    expect([p.status, p.message, p.hint, p.details, p.request, p.after]).toEqual([409, 'it runs', 'wait', 'd', 'r1', 7]);
  });
  it('an answer that is none is said to be that', async () => {
    vi.stubGlobal('fetch', () => Promise.resolve(answer(200, '<html>log in to the hotel</html>')));
    await expect((await ask('GET', '/v1/x')).json()).rejects.toThrow('cannot be read');
  });
  it('a server that says nothing is not waited for for ever', async () => {
    vi.stubGlobal('fetch', (_: string, { signal }: { signal: AbortSignal }) => new Promise((_give, fail) => signal.addEventListener('abort', () => fail(new DOMException('', 'AbortError')))));
    const said = ask('GET', '/v1/x').catch((e: unknown) => (e as Problem).message);
    await vi.advanceTimersByTimeAsync(PATIENCE.read);
    expect(await said).toMatch(/in time/);
  });
});

describe('something is done', () => {
  it('once, although its answer was lost: under one key', async () => {
    const keys: string[] = [];
    const tries = [() => Promise.reject(new TypeError('lost')), () => Promise.resolve(new Response('', { status: 503 })), () => Promise.resolve(new Response('{"run": 1}', { status: 202 }))];
    vi.stubGlobal('fetch', (_: string, o: { headers: Record<string, string> }) => {
      keys.push(o.headers['idempotency-key']!);
      return tries.shift()!();
    });
    const said = act('/v1/syncs/{sync}/run', { sync: 'x' }, {});
    await vi.advanceTimersByTimeAsync(5000);
    expect(await said).toEqual({ run: 1 });
    expect([keys.length, new Set(keys).size]).toEqual([3, 1]);
  });
  it('is not done again where it was refused', async () => {
    const fetch = vi.fn(() => Promise.resolve(new Response('', { status: 409 })));
    vi.stubGlobal('fetch', fetch);
    const before = acted.value;
    await expect(act('/v1/syncs/{sync}/run', { sync: 'x' }, {})).rejects.toThrow();
    expect(fetch).toHaveBeenCalledTimes(1);
    expect(acted.value).toBe(before + 1);
  });
  it('not as a role that another tab has logged in as', async () => {
    session.value = { role: 'fin', database: 'd', scope: 'operate', csrf: 'old', expires_at: null };
    const asked: string[] = [];
    const world = (role: string) => (url: string, o: { method: string; headers: Record<string, string> }) => {
      asked.push(`${o.method} ${url} ${o.headers['x-csrf-token'] ?? ''}`.trim());
      if (o.method === 'GET') return Promise.resolve(new Response(JSON.stringify({ role, database: 'd', scope: 'operate', csrf: 'new', expires_at: null })));
      return Promise.resolve(o.headers['x-csrf-token'] === 'new' ? new Response('{}', { status: 202 }) : new Response('{"message": "the header X-CSRF-Token is missing or another session\'s"}', { status: 403 }));
    };
    vi.stubGlobal('fetch', world('fin'));
    await act('/v1/syncs/{sync}/run', { sync: 'x' }, {});
    expect(asked).toEqual(['POST /v1/syncs/x/run old', 'GET /v1/session', 'POST /v1/syncs/x/run new']);
    session.value = { ...session.value, csrf: 'old' };
    vi.stubGlobal('fetch', world('other'));
    await expect(act('/v1/syncs/{sync}/run', { sync: 'x' }, {})).rejects.toThrow(/Another tab/);
    expect(session.value.role).toBe('other');
    session.value = null;
  });
});
