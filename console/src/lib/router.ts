// The address is the state: a path and a query behind #, which no server and no log of a proxy sees
import { computed, signal } from '@preact/signals';

function read(): { path: string; query: URLSearchParams } {
  const hash = location.hash.replace(/^#/, '');
  const at = hash.indexOf('?');
  const path = at < 0 ? hash : hash.slice(0, at);
  return { path: path.startsWith('/') ? path : '/', query: new URLSearchParams(at < 0 ? '' : hash.slice(at + 1)) };
}

const place = signal(read());
export const path = computed(() => place.value.path);
export const query = computed(() => place.value.query);
export const parts = computed(() => path.value.split('/').filter(Boolean).map(decode));

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

addEventListener('hashchange', () => {
  place.value = read();
});

export type Query = Record<string, string | number | boolean | null | undefined>;

/** link`/tables/${id}`: a path, its parts escaped */
export function link(strings: TemplateStringsArray, ...values: (string | number)[]): string {
  return strings.reduce((all, s, i) => all + s + (i < values.length ? encodeURIComponent(String(values[i])) : ''), '#');
}

export function withQuery(address: string, add: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(add)) if (value !== null && value !== undefined && value !== '') params.set(name, String(value));
  const text = params.toString();
  return text ? `${address}?${text}` : address;
}

export function go(address: string): void {
  location.hash = address.replace(/^#/, '');
}

/** changes the query of where one is: typing leaves no steps to go back over, choosing does */
export function setQuery(change: Query, step = false): void {
  const params = new URLSearchParams(place.value.query);
  for (const [name, value] of Object.entries(change)) {
    if (value === null || value === undefined || value === '' || value === false) params.delete(name);
    else params.set(name, String(value));
  }
  const text = params.toString();
  const address = '#' + place.value.path + (text ? '?' + text : '');
  if (address === location.hash) return;
  if (step) history.pushState(null, '', address);
  else history.replaceState(null, '', address);
  place.value = read();
}

export function param(name: string, otherwise = ''): string {
  return query.value.get(name) ?? otherwise;
}
