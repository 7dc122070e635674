// Numbers and times as people read them.
const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

export const count = (n: number) => (n < 10000 ? whole.format(n) : short.format(n));
export const exact = (n: number) => whole.format(n);
export const rate = (n: number) => (n === 0 ? "0" : n < 1 ? n.toFixed(2) : n < 100 ? n.toFixed(1).replace(/\.0$/, "") : count(Math.round(n)));
export const percent = (share: number) => {
  if (share === 0) return "0 %";
  const n = share * 100;
  return (n < 0.1 ? "< 0.1" : n < 10 ? n.toFixed(1) : n.toFixed(0)) + " %";
};
export const ms = (n: number) => (n <= 0 ? "–" : n < 1 ? n.toFixed(2) + " ms" : n < 100 ? n.toFixed(1) + " ms" : n < 1000 ? n.toFixed(0) + " ms" : (n / 1000).toFixed(2) + " s");
export const date = (at: string) => day.format(new Date(at));
export const time = (at: string | number) => clock.format(new Date(at));
export const moment = (at: string) => `${date(at)}, ${time(at)}`;
export const bytes = (n: number) => (n < 1024 ? `${n} B` : n < 1 << 20 ? `${(n / 1024).toFixed(1)} KiB` : `${(n / (1 << 20)).toFixed(1)} MiB`);

// span is a length of time in its largest unit or two.
export function span(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 48 * 3600) return `${Math.floor(s / 3600)} h`;
  if (s < 60 * 86400) return `${Math.floor(s / 86400)} days`;
  if (s < 730 * 86400) return `${Math.round(s / (30.44 * 86400))} months`;
  return `${(s / (365.25 * 86400)).toFixed(1)} years`;
}
export function ago(at: string, now = Date.now()): string {
  const s = (now - Date.parse(at)) / 1000;
  return s < -60 ? `in ${span(-s)}` : s < 5 ? "just now" : `${span(s)} ago`;
}
