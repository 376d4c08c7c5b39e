// The field that finds sources, tables and columns by what they are called or described as
import { useEffect, useRef, useState } from 'preact/hooks';
import { call } from '../lib/api';
import { go, link, withQuery } from '../lib/router';
import { Badge, refused } from './bits';

interface Found {
  kind: string;
  id: number;
  source_id: number;
  source: string;
  table_id: number | null;
  table_name: string | null;
  column_name: string | null;
  name: string;
  description: string | null;
}

const to = (f: Found) =>
  f.kind === 'source' ? link`/sources/${f.source_id}` : f.kind === 'column' && f.table_id ? withQuery(link`/tables/${f.table_id}`, { q: f.column_name }) : link`/tables/${f.table_id ?? f.id}`;

export function Search() {
  const [text, setText] = useState('');
  const [found, setFound] = useState<Found[] | null>(null);
  const [at, setAt] = useState(0);
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const q = text.trim();
    if (!q) return setFound(null);
    const stop = new AbortController();
    const timer = setTimeout(() => {
      call('/v1/search', {}, { q, limit: 20 }, stop.signal).then(
        (rows) => {
          setFound(rows as unknown as Found[]);
          setAt(0);
        },
        (error: unknown) => {
          if (!stop.signal.aborted) refused(error);
        },
      );
    }, 120);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [text]);
  const choose = (f: Found | undefined) => {
    if (!f) return;
    go(to(f));
    setOpen(false);
    setText('');
    (document.activeElement as HTMLElement | null)?.blur();
  };
  return (
    <div class="search" ref={box} onFocusOut={(e) => !box.current?.contains(e.relatedTarget as Node | null) && setOpen(false)}>
      <input
        type="text"
        data-search
        role="combobox"
        aria-label="Search sources, tables and columns"
        aria-expanded={open && !!found}
        aria-controls="found"
        aria-autocomplete="list"
        aria-activedescendant={open && found?.[at] ? `found-${at}` : undefined}
        placeholder="Search (s)"
        value={text}
        onFocus={() => setOpen(true)}
        onInput={(e) => {
          setText(e.currentTarget.value);
          setOpen(true);
        }}
        onKeyDown={(e) => {
          if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
            e.preventDefault();
            setAt(Math.max(0, Math.min((found?.length ?? 1) - 1, at + (e.key === 'ArrowDown' ? 1 : -1))));
          } else if (e.key === 'Enter') choose(found?.[at]);
        }}
      />
      {open && found && (
        <div class="found" id="found" role="listbox" aria-label="Found">
          {found.length === 0 && <p class="none" role="option" aria-selected="false">Nothing has such a name or description.</p>}
          {found.map((f, i) => (
            <a key={i} id={`found-${i}`} role="option" aria-selected={i === at} data-at={i === at} tabIndex={-1} href={to(f)} onMouseDown={(e) => e.preventDefault()} onClick={(e) => (e.preventDefault(), choose(f))}>
              <span class="kind">
                <Badge>{f.kind}</Badge>
              </span>
              <span class="cut">
                {f.column_name ? `${f.table_name}.${f.column_name}` : f.name} <span class="muted small">{f.description}</span>
              </span>
              <span class="muted small" style={{ marginLeft: 'auto' }}>
                {f.source}
              </span>
            </a>
          ))}
        </div>
      )}
    </div>
  );
}
