// What the API is asked, typed by its own document: a column or an address that goes, or takes something else, breaks the build
import { signal } from '@preact/signals';
import type { components, paths } from '../api/schema';
import { exactly } from './exact';

type Schemas = components['schemas'];
export type Resource = Exclude<keyof Schemas, 'problem'>;
type Given<T> = { [K in keyof T]-?: Exclude<T[K], undefined> };
/** a row of a resource, with these of its columns */
export type Row<R extends Resource, C extends keyof Schemas[R] = keyof Schemas[R]> = Given<Pick<Schemas[R], C>>;
export type Column<R extends Resource> = keyof Schemas[R] & string;

/** what went wrong, in the words of the API: RFC 9457 with PostgreSQL's hint */
export class Problem extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly hint: string | null = null,
    readonly details: string | null = null,
    readonly code = '',
    readonly request = '',
    /** seconds after which it may be asked again, where the server says so */
    readonly after = 0,
  ) {
    super(message);
  }
}

/** who is logged in: undefined: not known yet; null: nobody, or not any more */
export interface Session {
  role: string;
  database: string;
  scope: 'read' | 'operate' | 'admin';
  csrf: string;
  expires_at: string | null;
}
export const session = signal<Session | null | undefined>(undefined);
/** whether somebody was, and has to come back: what they look at stays */
export const expired = signal(false);
/** whether the last request reached a server that could answer; since when it did not */
export const lostSince = signal<number | null>(null);

let lastHeard = Date.now();
export const heard = () => lastHeard;

/** counts what was done here, well or not: what is shown is asked for again */
export const acted = signal(0);

/** an answer, whole */
export interface Answer {
  status: number;
  headers: Headers;
  json: () => Promise<unknown>;
  /** with numbers as they were written: what comes out of tables */
  exactly: () => Promise<unknown>;
}

interface Sent {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** milliseconds after which nobody waits any more: the gateway's own bound is 10 s, and queues take some */
export const PATIENCE = { read: 30_000, write: 60_000 };

export async function ask(method: string, address: string, { body, headers = {}, signal: stop }: Sent = {}): Promise<Answer> {
  const reading = method === 'GET' || method === 'HEAD';
  const csrf = session.peek()?.csrf;
  // a server that says nothing is not waited for for ever
  const bound = new AbortController();
  const leave = () => bound.abort();
  if (stop?.aborted) bound.abort();
  stop?.addEventListener('abort', leave);
  const timer = setTimeout(leave, reading ? PATIENCE.read : PATIENCE.write);
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(address, {
      method,
      credentials: 'same-origin',
      cache: 'no-store',
      headers: {
        accept: 'application/json',
        ...(reading ? {} : { 'content-type': 'application/json', ...(csrf ? { 'x-csrf-token': csrf } : {}) }),
        ...headers,
      },
      ...(reading ? {} : { body: JSON.stringify(body ?? {}) }),
      signal: bound.signal,
    });
    text = await answer.text();
  } catch (error) {
    if (stop?.aborted) throw error;
    lostSince.value ??= Date.now();
    if (bound.signal.aborted) throw new Problem(0, 'The server did not answer in time.', reading ? 'It asks again by itself. What is shown may be out of date.' : 'It is not known whether it was done: look before you do it again.');
    throw new Problem(0, 'The server cannot be reached.', reading ? 'It tries again by itself. What is shown may be out of date.' : 'It is not known whether it was done: look before you do it again.');
  } finally {
    clearTimeout(timer);
    stop?.removeEventListener('abort', leave);
  }
  // 503 without a word of the API's: the gateway is there, the database is not
  if (answer.status !== 503) {
    lostSince.value = null;
    lastHeard = Date.now();
  } else lostSince.value ??= Date.now();
  const read = (how: (text: string) => unknown) => async () => {
    try {
      return how(text);
    } catch {
      throw new Problem(answer.status, 'The answer cannot be read.', 'Something between this page and the gateway may have changed it, such as a proxy that asks for a login.', null, '', answer.headers.get('x-request-id') ?? '');
    }
  };
  if (answer.ok) return { status: answer.status, headers: answer.headers, json: read((t) => JSON.parse(t) as unknown), exactly: read(exactly) };
  throw problem(answer, text);
}

/** what a refusal means where it says nothing itself, and what to do about it */
export const REFUSALS: Record<number, [string, string]> = {
  400: ['The server does not understand the question.', 'This page may be older than the server: reload it.'],
  401: ['You are no longer logged in.', 'Log in again; you stay where you are.'],
  403: ['You may not do that.', 'Your role needs the privilege, or your token a wider scope.'],
  404: ['There is nothing of that name, or you may not see it.', 'It may have been dropped in the meantime.'],
  409: ['It has changed since you saw it.', 'What is shown is being loaded again; look, then decide.'],
  410: ['It is no longer there.', 'What is shown is being loaded again.'],
  413: ['That is more than the server accepts at once.', 'Make it shorter.'],
  422: ['What was given does not fit.', 'Change it and do it again.'],
  429: ['You have made too many requests.', 'Wait a little; it asks again by itself.'],
  500: ['The server failed at this.', 'Its log has more, under the number of the request.'],
  502: ['A proxy in front of the server could not reach it.', 'It asks again by itself.'],
  503: ['The database cannot be reached now.', 'It asks again by itself.'],
  504: ['It took longer than allowed.', 'Ask for less: a filter, a shorter time.'],
};

function problem(answer: Response, text: string): Problem {
  let said: Partial<Record<string, string>> = {};
  try {
    const found: unknown = JSON.parse(text);
    if (found && typeof found === 'object') said = found as typeof said;
  } catch {
    // no JSON: a proxy's words are not shown
  }
  if (answer.status === 401 && session.peek()) expired.value = true;
  const [what, todo] = REFUSALS[answer.status] ?? [`The answer was ${answer.status}.`, null];
  const after = Number(answer.headers.get('retry-after'));
  return new Problem(answer.status, said['message'] ?? said['detail'] ?? said['title'] ?? what, said['hint'] ?? todo, said['details'] ?? null, said['code'] ?? '', answer.headers.get('x-request-id') ?? '', Number.isFinite(after) && after > 0 ? after : 0);
}

export type Where = Record<string, string | number | null | undefined | false>;
export interface Wanted<R extends Resource, C extends Column<R>> {
  select: readonly C[];
  /** what belongs to a row, as the API's grammar has it */
  embed?: string;
  where?: Where;
  order?: string;
  limit?: number;
  offset?: number;
}

export function address(path: string, query: Where): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== null && value !== undefined && value !== false && value !== '') params.append(name.replace(/#.*$/, ''), String(value));
  const text = params.toString();
  return text ? `${path}?${text}` : path;
}

function asked<R extends Resource, C extends Column<R>>(resource: R, w: Wanted<R, C>): string {
  return address(`/v1/${encodeURIComponent(resource)}`, { select: [...w.select, ...(w.embed ? [w.embed] : [])].join(','), ...w.where, order: w.order, limit: w.limit, offset: w.offset });
}

// what they hold are rows of tables, or what somebody wrote: digits are kept
const HOLDING: readonly Resource[] = ['changes', 'events'];
const read = (resource: Resource, answer: Answer): Promise<unknown> => (HOLDING.includes(resource) ? answer.exactly() : answer.json());

/** rows of a resource; E: what is embedded */
export async function list<R extends Resource, C extends Column<R>, E = unknown>(resource: R, wanted: Wanted<R, C>, stop?: AbortSignal): Promise<(Row<R, C> & E)[]> {
  return read(resource, await ask('GET', asked(resource, wanted), { signal: stop })) as Promise<(Row<R, C> & E)[]>;
}

/** the same with how many there are in all */
export async function page<R extends Resource, C extends Column<R>, E = unknown>(resource: R, wanted: Wanted<R, C>, stop?: AbortSignal): Promise<{ rows: (Row<R, C> & E)[]; total: number }> {
  const answer = await ask('GET', asked(resource, wanted), { signal: stop, headers: { prefer: 'count=exact' } });
  const rows = (await read(resource, answer)) as (Row<R, C> & E)[];
  const total = Number(answer.headers.get('content-range')?.split('/')[1] ?? rows.length);
  return { rows, total: Number.isFinite(total) ? total : rows.length };
}

/** all of a resource, by pages of its key */
export async function all<R extends Resource, C extends Column<R>>(resource: R, wanted: Wanted<R, C>, stop?: AbortSignal, size = 1000): Promise<Row<R, C>[]> {
  const rows: Row<R, C>[] = [];
  for (let offset = 0; ; offset += size) {
    const some = await list(resource, { ...wanted, limit: size, offset }, stop);
    rows.push(...some);
    if (some.length < size) return rows;
  }
}

export async function one<R extends Resource, C extends Column<R>, E = unknown>(resource: R, wanted: Wanted<R, C>, stop?: AbortSignal): Promise<(Row<R, C> & E) | null> {
  const rows = await list<R, C, E>(resource, { ...wanted, limit: 1 }, stop);
  return rows[0] ?? null;
}

type Method = 'get' | 'post' | 'delete';
type Having<M extends Method> = { [P in keyof paths]: paths[P] extends { [K in M]: { responses: unknown } } ? P : never }[keyof paths];
type Content<T> = T extends { content: { 'application/json': infer J } } ? J : void;
type Answers<P extends keyof paths, M extends Method> = paths[P] extends { [K in M]: { responses: infer A } } ? Content<A[keyof A & (200 | 201 | 202 | 204)]> : never;
type Body<P extends keyof paths> = paths[P] extends { post: { requestBody?: { content: { 'application/json': infer J } } } } ? J : Record<string, never>;
type PathArguments<P extends keyof paths, M extends Method> = paths[P] extends { [K in M]: { parameters: { path: infer A } } } ? A : Record<string, never>;
type QueryArguments<P extends keyof paths> = paths[P] extends { get: { parameters: { query?: infer A } } } ? A : never;

function fill(path: string, given: Record<string, unknown>): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(given[name])));
}

/** what a function answers */
export async function call<P extends Having<'get'>>(path: P, inPath: PathArguments<P, 'get'> extends never ? Record<string, never> : Record<string, string | number>, query: QueryArguments<P>, stop?: AbortSignal): Promise<Answers<P, 'get'>> {
  return (await ask('GET', address(fill(path, inPath), (query ?? {}) as Where), { signal: stop })).json() as Promise<Answers<P, 'get'>>;
}

/** rows of a table, with the statement that gives them */
export async function rowsOf<P extends Having<'get'>>(path: P, inPath: PathArguments<P, 'get'> extends never ? Record<string, never> : Record<string, string | number>, query: QueryArguments<P>, stop?: AbortSignal): Promise<Shown> {
  return (await ask('GET', address(fill(path, inPath), (query ?? {}) as Where), { signal: stop })).exactly() as Promise<Shown>;
}

/** something that changes: where another tab logged in again as the same role, by what that tab has now */
async function send(method: string, address: string, sent: Sent): Promise<Answer> {
  const mine = session.peek();
  try {
    return await ask(method, address, sent);
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 403 || !/x-csrf-token/i.test(error.message) || !mine) throw error;
    const now = (await (await ask('GET', '/v1/session')).json()) as Session;
    session.value = now;
    if (now.role !== mine.role) throw new Problem(409, `Another tab has logged in as ${now.role}.`, 'Nothing was done. This page shows now what that role sees.');
    return ask(method, address, sent);
  }
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** something is done: asked again for want of an answer, under the same key, it is done once */
export async function act<P extends Having<'post'>>(path: P, inPath: PathArguments<P, 'post'>, body: Body<P>): Promise<Answers<P, 'post'>> {
  const key = crypto.randomUUID?.() ?? String(Math.random()).slice(2) + Date.now();
  try {
    for (let left = 2; ; left--) {
      try {
        const answer = await send('POST', fill(path, inPath as Record<string, unknown>), { body, headers: { 'idempotency-key': key } });
        return (answer.status === 204 ? undefined : await answer.json()) as Answers<P, 'post'>;
      } catch (error) {
        if (!(error instanceof Problem) || left === 0 || ![0, 502, 503].includes(error.status)) throw error;
        await pause(Math.min(error.after || 1, 5) * 1000);
      }
    }
  } finally {
    acted.value++;
  }
}

export async function end<P extends Having<'delete'>>(path: P, inPath: PathArguments<P, 'delete'>): Promise<void> {
  try {
    await send('DELETE', fill(path, inPath as Record<string, unknown>), {});
  } finally {
    acted.value++;
  }
}

/** rows that a statement gives, and the statement */
export interface Shown {
  sql: string | null;
  rows: Record<string, unknown>[] | null;
}

/** a part of a pattern that like takes: what is typed means itself */
export function within(text: string): string {
  return '*' + text.replace(/[\\%_]/g, (c) => '\\' + c).replaceAll('*', '_') + '*';
}

/** a value within or=(…), or a list */
export function quoted(text: string): string {
  return '"' + text.replace(/[\\"]/g, (c) => '\\' + c) + '"';
}

/** or=(…): one of these columns has it */
export function anyOf(columns: string[], text: string): string | undefined {
  return text ? `(${columns.map((c) => `${c}.ilike.${quoted(within(text))}`).join(',')})` : undefined;
}
