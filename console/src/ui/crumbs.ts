// Where one is, as the head of the page shows it: pages add the name of what they show
import { computed, signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { PAGES } from '../lib/keys';
import { parts, path } from '../lib/router';

const named = signal<{ path: string; text: string } | null>(null);

export const crumbs = computed(() => {
  const [room, id] = parts.value;
  const page = PAGES.find(([, to]) => to === '#/' + (room ?? ''));
  const trail = [{ text: page?.[2] ?? 'Not found', href: page?.[1] ?? '#/' }];
  if (id) trail.push({ text: named.value?.path === path.value ? named.value.text : id, href: '#' + path.value });
  return trail;
});

export function useName(text: string | null | undefined): void {
  const at = path.value;
  useEffect(() => {
    if (text) named.value = { path: at, text };
  }, [text, at]);
}
