// Logging in and out. What is secret is never kept here: a cookie that no script reads holds the session.
import { ask, expired, Problem, session, type Session } from './api';
import { startStream, stopStream } from './live';
import { reloadAll } from './query';

/** at the beginning: a link that logs in once, or who is logged in already */
export async function begin(): Promise<void> {
  const link = /^#(pgl_\w+)$/.exec(location.hash);
  if (link) {
    // used up or not, it does not stay in the address and in the browser's memory
    history.replaceState(null, '', location.pathname.replace(/login\/?$/, '') + '#/');
    dispatchEvent(new HashChangeEvent('hashchange'));
    try {
      await logIn({ link: link[1]! });
      return;
    } catch (problem) {
      failed = problem instanceof Problem ? problem : null;
    }
  }
  await who();
}

/** why the link did not log in */
export let failed: Problem | null = null;

export async function who(): Promise<void> {
  try {
    enter((await (await ask('GET', '/v1/session')).json()) as Session, true);
  } catch (problem) {
    if (problem instanceof Problem && (problem.status === 0 || problem.status === 429 || problem.status >= 500)) setTimeout(() => void who(), Math.max(problem.after, 2) * 1000);
    else nobody();
  }
}

export async function logIn(by: { token: string } | { link: string }): Promise<void> {
  enter((await (await ask('POST', '/v1/session', { body: by })).json()) as Session);
}

// One cookie for all tabs: what one of them does, the others are told
const tabs = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('pg_ingest session');
if (tabs)
  tabs.onmessage = () => {
    if (session.peek() !== undefined) void who();
  };

function enter(said: Session, told = false): void {
  if (!told) tabs?.postMessage('entered');
  failed = null;
  session.value = said;
  expired.value = false;
  startStream();
  reloadAll();
}

/** no longer logged in: nothing of what was seen stays */
function nobody(): void {
  stopStream();
  expired.value = false;
  session.value = null;
}

export async function logOut(): Promise<void> {
  try {
    await ask('DELETE', '/v1/session');
  } catch (problem) {
    // it had ended by itself
    if (!(problem instanceof Problem && problem.status === 401)) throw problem;
  }
  nobody();
  tabs?.postMessage('left');
}

/** whether a scope is wide enough; what may be done is the server's to say, this only spares a button that cannot work */
export function may(scope: 'operate' | 'admin'): boolean {
  const mine = session.value?.scope;
  return mine === 'admin' || mine === scope;
}
