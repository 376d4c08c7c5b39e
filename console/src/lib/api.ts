// What the API is asked, typed by its own document: a column or an address that goes, or takes something else, breaks the build
import { signal } from '@preact/signals';
import type { components, paths } from '../api/schema';

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

interface Asked {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export async function ask(method: string, address: string, { body, headers = {}, signal: stop }: Asked = {}): Promise<Response> {
  const reading = method === 'GET' || method === 'HEAD';
  const csrf = session.peek()?.csrf;
  let answer: Response;
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
      ...(stop ? { signal: stop } : {}),
    });
  } catch (error) {
    if (stop?.aborted) throw error;
    lostSince.value ??= Date.now();
    throw new Problem(0, 'The server cannot be reached.', 'It is tried again by itself. What is shown is as it was.');
  }
  // 503 without a word of the API's: the gateway is there, the database is not
  if (answer.status !== 503) {
    lostSince.value = null;
    lastHeard = Date.now();
  } else lostSince.value ??= Date.now();
  if (answer.ok) return answer;
  throw await problem(answer);
}

async function problem(answer: Response): Promise<Problem> {
  let said: Partial<Record<string, string>> = {};
  try {
    said = (await answer.json()) as typeof said;
  } catch {
    // no JSON: a proxy's words are not shown
  }
  if (answer.status === 401 && session.peek()) expired.value = true;
  return new Problem(answer.status, said['message'] ?? said['detail'] ?? said['title'] ?? `The answer was ${answer.status}.`, said['hint'] ?? null, said['details'] ?? null, said['code'] ?? '', answer.headers.get('x-request-id') ?? '');
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

/** rows of a resource; E: what is embedded */
export async function list<R extends Resource, C extends Column<R>, E = unknown>(resource: R, wanted: Wanted<R, C>, stop?: AbortSignal): Promise<(Row<R, C> & E)[]> {
  return (await ask('GET', asked(resource, wanted), { signal: stop })).json() as Promise<(Row<R, C> & E)[]>;
}

/** the same with how many there are in all */
export async function page<R extends Resource, C extends Column<R>, E = unknown>(resource: R, wanted: Wanted<R, C>, stop?: AbortSignal): Promise<{ rows: (Row<R, C> & E)[]; total: number }> {
  const answer = await ask('GET', asked(resource, wanted), { signal: stop, headers: { prefer: 'count=exact' } });
  const rows = (await answer.json()) as (Row<R, C> & E)[];
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

/** something is done; asked again for want of an answer it is done once */
export async function act<P extends Having<'post'>>(path: P, inPath: PathArguments<P, 'post'>, body: Body<P>): Promise<Answers<P, 'post'>> {
  const key = crypto.randomUUID?.() ?? String(Math.random()).slice(2) + Date.now();
  const answer = await ask('POST', fill(path, inPath as Record<string, unknown>), { body, headers: { 'idempotency-key': key } });
  return (answer.status === 204 ? undefined : await answer.json()) as Answers<P, 'post'>;
}

export async function end<P extends Having<'delete'>>(path: P, inPath: PathArguments<P, 'delete'>): Promise<void> {
  await ask('DELETE', fill(path, inPath as Record<string, unknown>));
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
