// The keyboard: what one presses anywhere
import { go } from './router';

export const PAGES: [string, string, string][] = [
  ['o', '#/', 'Overview'],
  ['s', '#/sources', 'Sources'],
  ['t', '#/tables', 'Tables'],
  ['l', '#/lineage', 'Lineage'],
  ['r', '#/runs', 'Runs'],
  ['q', '#/quality', 'Quality'],
  ['e', '#/events', 'Events'],
  ['d', '#/sinks', 'Sinks'],
  ['k', '#/tokens', 'Tokens'],
];

type Move = (by: number) => boolean;
const movers: Move[] = [];

/** a list that j and k walk through; the newest one on the page is asked first */
export function onMove(move: Move): () => void {
  movers.push(move);
  return () => void movers.splice(movers.indexOf(move), 1);
}

export function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

export function listen(help: () => void): () => void {
  let pending = 0;
  const heard = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (typing(event.target)) {
      if (event.key === 'Escape') (event.target as HTMLElement).blur();
      return;
    }
    if (document.querySelector('dialog[open]')) return;
    if (Date.now() - pending < 1000) {
      pending = 0;
      const page = PAGES.find(([key]) => key === event.key);
      if (page) {
        event.preventDefault();
        go(page[1]);
        return;
      }
    }
    switch (event.key) {
      case 'g':
        pending = Date.now();
        return;
      case '?':
        help();
        break;
      case '/': {
        const field = document.querySelector<HTMLInputElement>('[data-filter]') ?? document.querySelector<HTMLInputElement>('[data-search]');
        field?.focus();
        field?.select();
        break;
      }
      case 's':
        document.querySelector<HTMLInputElement>('[data-search]')?.focus();
        break;
      case 'j':
      case 'k':
        if (![...movers].reverse().some((move) => move(event.key === 'j' ? 1 : -1))) return;
        break;
      default:
        return;
    }
    event.preventDefault();
  };
  addEventListener('keydown', heard);
  return () => removeEventListener('keydown', heard);
}
