// Pictures of a line's height, in SVG: each has its figures as text for who does not see it
import { duration, exact, short } from '../lib/format';
import type { Tone } from './bits';

/** a line of values over time; null: not known */
export function Sparkline({ values, width = 96, height = 20, label, tone = 'idle' }: { values: (number | null)[]; width?: number; height?: number; label: string; tone?: Tone }) {
  const known = values.filter((v): v is number => v !== null && Number.isFinite(v));
  if (known.length < 2) return <span class="faint small">–</span>;
  const most = Math.max(...known);
  const least = Math.min(...known, 0);
  const x = (i: number) => 1 + (i * (width - 2)) / (values.length - 1);
  const y = (v: number) => height - 2 - ((v - least) / (most - least || 1)) * (height - 4);
  let d = '';
  let pen = false;
  values.forEach((v, i) => {
    if (v === null) pen = false;
    else {
      d += `${pen ? 'L' : 'M'}${x(i).toFixed(1)} ${y(v).toFixed(1)}`;
      pen = true;
    }
  });
  const said = `${label}: from ${short(known[0])} to ${short(known.at(-1))}, ${short(Math.min(...known))} to ${short(most)}`;
  return (
    <svg class={`spark ${tone}`} width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={said}>
      <title>{said}</title>
      <path class="area" d={`${d}L${x(values.length - 1).toFixed(1)} ${height - 1}L${x(0).toFixed(1)} ${height - 1}Z`} />
      <path class="line" d={d} />
    </svg>
  );
}

/** a share of a whole */
export function Bar({ value, label, tone = 'idle', width = 72 }: { value: number | null | undefined; label: string; tone?: Tone; width?: number | '100%' }) {
  const part = Math.max(0, Math.min(1, value ?? 0));
  return (
    <svg class={`bar ${tone}`} width={width} height={8} role="img" aria-label={label}>
      <title>{label}</title>
      <rect class="rest" x={0} y={1} width="100%" height={6} rx={2} />
      {part > 0 && <rect class="part" x={0} y={1} width={`${Math.max(1.5, part * 100)}%`} height={6} rx={2} />}
    </svg>
  );
}

/** ages of a copy over time, held against what they may be: low and green is well, high and red is late */
export function FreshnessStrip({ ages, objective, step }: { ages: (number | null)[]; objective: number | null; step: number }) {
  const n = Math.max(ages.length, 1);
  const known = ages.filter((a): a is number => a !== null);
  const bound = objective ?? Math.max(...known, 1);
  const late = objective ? known.filter((a) => a > objective).length : 0;
  const said = !known.length ? 'Not loaded yet' : objective ? (late ? `Later than ${duration(objective)} for about ${duration(late * step)} of ${duration(n * step)}` : `Within ${duration(objective)} all the time`) : `Up to ${duration(Math.max(...known))} old; no objective`;
  return (
    <svg class="strip" viewBox={`0 0 ${n * 4} 20`} preserveAspectRatio="none" role="img" aria-label={said}>
      <title>{said}</title>
      {ages.map((age, i) => {
        if (age === null) return <rect key={i} class="none" x={i * 4 + 0.4} y={17} width={3.2} height={2} />;
        const ratio = age / bound;
        const tone = !objective ? 'idle' : ratio <= 0.9 ? 'ok' : ratio <= 1 ? 'warn' : 'bad';
        // up to the objective half of the height, beyond it by the logarithm
        const high = ratio <= 1 ? 3 + ratio * 7 : Math.min(20, 10 + Math.log2(ratio) * 3 + 2);
        return <rect key={i} class={tone} x={i * 4 + 0.4} y={20 - high} width={3.2} height={high} />;
      })}
      {objective && <line class="bound" x1={0} x2={n * 4} y1={10} y2={10} />}
    </svg>
  );
}

export interface Ran {
  id: number;
  state: string | null;
  duration_seconds: number | null;
}

/** the last runs: height is how long, colour and foot how it ended */
export function RunStrip({ runs, most = 30 }: { runs: Ran[]; most?: number }) {
  const last = runs.slice(-most);
  const longest = Math.max(...last.map((r) => r.duration_seconds ?? 0), 0.001);
  const failed = last.filter((r) => r.state === 'failed' || r.state === 'lost').length;
  const said = last.length ? `The last ${last.length} runs: ${failed ? failed + ' failed' : 'none failed'}, the longest took ${duration(longest)}` : 'No run yet';
  return (
    <svg class="strip runs" width={most * 4} height={20} viewBox={`0 0 ${most * 4} 20`} role="img" aria-label={said}>
      <title>{said}</title>
      {last.map((r, i) => {
        const at = (most - last.length + i) * 4;
        const bad = r.state === 'failed' || r.state === 'lost';
        const high = 3 + Math.sqrt((r.duration_seconds ?? 0) / longest) * 13;
        const tone = bad ? 'bad' : r.state === 'running' ? 'busy' : r.state === 'cancelled' ? 'idle' : r.state?.startsWith('succeeded with') ? 'warn' : 'ok';
        return (
          <g key={r.id} class={tone}>
            <rect x={at} y={17 - high} width={3} height={high} />
            {bad && <rect x={at} y={18} width={3} height={2} />}
          </g>
        );
      })}
    </svg>
  );
}

export interface Bin {
  from: string;
  to: string;
  n: number;
}

/** how values are spread */
export function Histogram({ bins, width = 120, height = 28, label }: { bins: Bin[]; width?: number; height?: number; label: string }) {
  if (!bins.length) return null;
  const most = Math.max(...bins.map((b) => b.n), 1);
  const step = width / bins.length;
  return (
    <svg class="histogram" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      {bins.map((b, i) => {
        const high = b.n > 0 ? Math.max(1, (b.n / most) * (height - 2)) : 0;
        return (
          <g key={i}>
            <title>{`${b.from} to ${b.to}: ${exact(b.n)}`}</title>
            <rect class="hit" x={i * step} y={0} width={step} height={height} />
            <rect class="part" x={i * step + 0.5} y={height - high} width={Math.max(0.5, step - 1)} height={high} />
          </g>
        );
      })}
    </svg>
  );
}
