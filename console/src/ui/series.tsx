// Figures over time, by uPlot: stacked bars or lines, in the theme's colours
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { clock, exact, short } from '../lib/format';

export interface Line {
  label: string;
  /** a colour of the theme: its custom property */
  color: string;
  values: (number | null)[];
}

/** the next number that reads well, so that the half of it does too */
export function round(max: number): number {
  if (!(max > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(max));
  return ([1, 1.2, 1.6, 2, 3, 4, 5, 6, 8].find((n) => n * power >= max) ?? 10) * power;
}

const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function Series({ at, lines, height = 150, stacked, label, unit = short }: { at: number[]; lines: Line[]; height?: number; stacked?: boolean; label: string; unit?: (n: number) => string }) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const totals = lines.map((l) => l.values.reduce<number>((sum, v) => sum + (v ?? 0), 0));
  const data = useRef<uPlot.AlignedData>([[]]);
  // bars lie on each other: the first line is drawn last, in front, from the bottom
  const sums = stacked
    ? lines.map((_, n) => at.map((_, i) => lines.slice(0, n + 1).reduce((sum, l) => sum + (l.values[i] ?? 0), 0)))
    : lines.map((l) => l.values);
  const order = stacked ? [...lines.keys()].reverse() : [...lines.keys()];
  data.current = [at.map((t) => t / 1000), ...order.map((n) => sums[n] as number[])];
  const shape = lines.map((l) => l.label + l.color).join();

  useEffect(() => {
    const el = box.current;
    if (!el) return;
    const make = () => {
      plot.current?.destroy();
      const axis = { stroke: colour('--muted'), font: '11px system-ui, sans-serif', grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
      plot.current = new uPlot(
        {
          width: Math.max(el.clientWidth, 100),
          height,
          legend: { show: false },
          cursor: { points: { show: false }, y: false, drag: { x: false, y: false } },
          padding: [6, 16, 0, 0],
          scales: { y: { range: (_u, _min, max) => [0, round(max)] } },
          axes: [
            { ...axis, size: 22, values: (_u, splits) => splits.map((t) => clock(t * 1000).slice(0, 5)) },
            { ...axis, size: 46, gap: 4, values: (_u, splits) => splits.map((v) => unit(v)), splits: (_u, _i, _min, max) => [0, max / 2, max].map((v) => v) },
          ],
          series: [
            {},
            ...order.map((n) => ({
              label: lines[n]!.label,
              stroke: colour(lines[n]!.color),
              ...(stacked ? { fill: colour(lines[n]!.color), width: 0, paths: uPlot.paths.bars!({ size: [0.8, 40], gap: 1 }) } : { width: 1.5, fill: colour(lines[n]!.color) + '22' }),
              points: { show: false },
            })),
          ],
          hooks: {
            setCursor: [
              (u) => {
                const i = u.cursor.idx;
                // a plot that is taken away says so once more
                if (!tip.current) return;
                tip.current.textContent = i === null || i === undefined ? '' : `${clock((u.data[0][i] ?? 0) * 1000, undefined, true)}  ${current.current.map((l) => `${l.label} ${exact(l.values[i] ?? null)}`).join(', ')}`;
              },
            ],
          },
        },
        data.current,
        el,
      );
    };
    make();
    let width = el.clientWidth;
    const watch = new ResizeObserver(() => {
      if (Math.abs(el.clientWidth - width) < 2) return;
      width = el.clientWidth;
      plot.current?.setSize({ width: Math.max(width, 100), height });
    });
    watch.observe(el);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', make);
    return () => {
      watch.disconnect();
      dark.removeEventListener('change', make);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape, height, stacked]);
  const current = useRef(lines);
  current.current = lines;
  const tip = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    plot.current?.setData(data.current);
  }, [JSON.stringify(data.current)]);

  return (
    <div class="series" role="img" aria-label={`${label}: ${lines.map((l, n) => `${l.label} ${exact(totals[n])}`).join(', ')}`}>
      <div ref={box} style={{ height: `${height}px` }} />
      <div class="legend small">
        {lines.map((l, n) => (
          <span key={l.label}>
            <i style={{ background: `var(${l.color})` }} />
            {l.label} <span class="num" title={exact(totals[n])}>{stacked ? short(totals[n]) : ''}</span>
          </span>
        ))}
        <span class="tip muted" ref={tip} />
      </div>
    </div>
  );
}
