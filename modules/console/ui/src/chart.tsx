// Charts: of time by uPlot, small ones as SVG.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { Minute } from "./data";

export interface Line { label: string; colour: string; values: number[]; fill?: boolean }

const css = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

interface ChartProps { title: string; summary: string; at: number; step: number; lines: Line[]; format: (n: number) => string; theme: string; stacked?: boolean }

// Chart draws lines, or layers on top of each other, of values that are step seconds apart and end at a time.
export function Chart({ title, summary, at, step, lines, format, theme, stacked }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const layers = stacked ? lines.map((_, i) => lines.slice(i).reduce<number[]>((sum, l) => l.values.map((v, j) => v + (sum[j] ?? 0)), [])) : lines.map((l) => l.values);
  const n = lines[0]?.values.length ?? 0;
  const xs = Array.from({ length: n }, (_, i) => at - (n - 1 - i) * step);
  const data = [xs, ...layers] as uPlot.AlignedData;
  useEffect(() => {
    const el = box.current;
    if (!el) return;
    const font = "11px system-ui, sans-serif";
    const axis = { stroke: css("--muted"), font, ticks: { show: false }, grid: { stroke: css("--line"), width: 1 } };
    const made = new uPlot({
      width: el.clientWidth, height: 200, padding: [8, 8, 0, 0],
      legend: { show: false }, cursor: { y: false, points: { size: 6 } }, // the figure has a legend of its own, which readers read
      scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.12 : 1] } },
      axes: [
        { ...axis, grid: { show: false }, size: 28, space: 70, values: (_, all) => all.map((v) => new Date(v * 1000).toLocaleTimeString("en-GB", step < 5 ? {} : { hour: "2-digit", minute: "2-digit" })) },
        { ...axis, size: 58, space: 34, values: (_, all) => all.map((v) => (v === 0 ? "0" : format(v))) },
      ],
      series: [{}, ...lines.map((l) => ({ label: l.label, stroke: css(l.colour), width: stacked ? 1 : 1.75, fill: l.fill ? css(l.colour + "-fill") : undefined, points: { show: false } }))],
      hooks: { setCursor: [(u) => point(el, u, lines, format)] },
    }, data, el);
    plot.current = made;
    const follow = new ResizeObserver(() => { if (el.clientWidth > 0) made.setSize({ width: el.clientWidth, height: 200 }); });
    follow.observe(el);
    return () => { follow.disconnect(); made.destroy(); plot.current = undefined; };
  }, [theme, step, lines.length]);
  useEffect(() => { plot.current?.setData(data); }, [at, step, lines]);
  return (
    <figure class="chart">
      <figcaption><h2>{title}</h2>
        <ul class="legend">{lines.map((l) => <li key={l.label}><i style={`background:var(${l.colour})`} />{l.label} <b data-of={l.label}>{format(l.values[n - 1] ?? 0)}</b></li>)}</ul>
      </figcaption>
      <div class="plot" ref={box} role="img" aria-label={summary} />
    </figure>
  );
}

// point has the legend say what is under the pointer.
function point(el: HTMLElement, u: uPlot, lines: Line[], format: (n: number) => string) {
  const i = u.cursor.idx;
  for (const b of el.parentElement?.querySelectorAll<HTMLElement>("b[data-of]") ?? []) {
    const of = lines.findIndex((l) => l.label === b.dataset.of);
    const values = u.data[of + 1];
    const next = of < lines.length - 1 && lines[of]?.fill ? u.data[of + 2] : undefined; // a layer is what is above the next
    const at = i ?? (values?.length ?? 1) - 1;
    b.textContent = format((values?.[at] ?? 0) - (next?.[at] ?? 0));
  }
}

// Spark draws an hour by the minute: bars of requests, of which what was refused and what failed is on top.
export function Spark({ minutes, label }: { minutes?: Minute[]; label: string }) {
  if (!minutes) return <span class="idle">no requests</span>;
  const most = Math.max(1, ...minutes.map((m) => m[0]));
  const bar = (m: Minute, i: number) => {
    const h = (n: number) => (n > 0 ? Math.max(0.8, (n / most) * 24) : 0);
    const bad = h(m[2]), no = h(m[1]), all = Math.max(h(m[0]), bad + no);
    return all === 0 ? null : (
      <g key={i}>
        <rect x={i * 4} width="3" y={26 - all} height={all} class="ok" />
        {no > 0 && <rect x={i * 4} width="3" y={26 - all} height={no + bad} class="no" />}
        {bad > 0 && <rect x={i * 4} width="3" y={26 - all} height={bad} class="bad" />}
      </g>
    );
  };
  return <svg class="spark" viewBox="0 0 240 26" preserveAspectRatio="none" role="img" aria-label={label}>{minutes.map(bar)}</svg>;
}
