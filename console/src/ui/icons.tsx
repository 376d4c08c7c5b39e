const PATHS: Record<string, string> = {
  overview: 'M2.500 8.500 8 3l5.500 5.500M4.500 7v6h7V7',
  sources: 'M8 2.500c3 0 5 .9 5 2s-2 2-5 2-5-.9-5-2 2-2 5-2ZM3 4.500v7c0 1.100 2 2 5 2s5-.9 5-2v-7M3 8c0 1.100 2 2 5 2s5-.9 5-2',
  tables: 'M2.500 3.500h11v9h-11ZM2.500 6.500h11M6.500 6.500v6',
  lineage: 'M2 5h4v6H2ZM10 2.500h4v4h-4ZM10 9.500h4v4h-4ZM6 7.500c2 0 2-3 4-3M6 8.500c2 0 2 3 4 3',
  runs: 'M8 2.500a5.500 5.500 0 1 1 0 11 5.500 5.500 0 0 1 0-11ZM8 5v3l2 1.500',
  quality: 'M8 2 13 4v4c0 3-2 5-5 6-3-1-5-3-5-6V4ZM5.800 8 7.300 9.600 10.300 6.300',
  events: 'M8.500 2 4 9h3.500L7 14l5-7H8.500Z',
  sinks: 'M2.500 8h7M7 4.500 10.500 8 7 11.500M13.500 3v10',
  tokens: 'M10.500 2.500a3 3 0 1 1 0 6 3 3 0 0 1 0-6ZM8.300 7.700 3 13M4.500 11.500 6 13M6.300 9.700l1.500 1.500',
  menu: 'M2.500 4.500h11M2.500 8h11M2.500 11.500h11',
};

export function Icon({ name }: { name: string }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name] ?? ''} />
    </svg>
  );
}
