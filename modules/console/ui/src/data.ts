// What the gateway tells the page, and how it is asked.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

export type Sample = [requests: number, refused: number, failed: number, p50: number, p95: number, p99: number];
export type Minute = [requests: number, refused: number, failed: number, p95: number];
export interface Key { api: string; version?: string }
export interface Past extends Key { minutes?: Minute[] }
export interface History { at: number; generation: number; seconds: Sample[]; ten_secs: Sample[]; of: Past[] }
export interface Frame { at: number; generation: number; total: Sample; of: { i: number; s: Sample }[]; coarse?: boolean }

export interface Change { name: string; summary?: string }
export interface Version {
  name: string; state: string; released: string; deprecated?: string; sunset?: string;
  brownouts?: { from: string; until: string }[]; docs?: string; changes?: Change[];
}
export interface API { name: string; title?: string; summary?: string; hosts?: string[]; base_path: string; routes: number; versions: Version[] }
export interface APIs { now: string; apis: API[] }

export interface Row {
  api: string; version?: string; selected?: string; consumer: string; requests: number; denied: number; errors: number;
  mean_seconds: number; slowest_seconds: number; last_seen: string;
}
export interface Ending {
  api: string; version: string; deprecated?: string; sunset?: string; changes?: string[]; callers: number; consumers: string[];
  requests: number; last_seen: string;
}
export interface Callers {
  off?: string; from: string; by: string; versions: (Key & { callers: number; requests: number; last_seen: string })[]; rows: Row[]; more?: number; ending: Ending[];
}

export interface Refusal {
  id: string; at: string; api?: string; version?: string; route?: string; stage: string; alone?: string; problem: string; title: string; status: number;
  detail?: string; cause?: string; consumer?: string; client?: string; method: string; url: string; decision?: string; partial?: boolean;
}
export interface Refusals { count: number; refused: Refusal[] }
export interface Near { limit: string; quota: string; key: string; share: number; at: string; clear?: string }
export interface Nears { quotas: Near[]; more?: number }
export interface Event {
  ref: string; id: string; webhook: string; kind?: string; key?: string; received: string; size: number; attempts?: number; reason?: string; ended?: string;
}
export interface Events { off?: string; events?: Event[] }
export interface Field { name: string; value: string }
export interface Came { status: number; header: Field[]; body: string; bytes: number; binary?: boolean; took_ms: number; broken?: string }

// Refusing is an answer of the gateway's that is a problem (RFC 9457).
export class Refusing extends Error {
  constructor(public status: number, message: string) { super(message); }
}

async function read(res: Response): Promise<Response> {
  if (res.ok) return res;
  let text = `the gateway answered ${res.status}`;
  try {
    const problem = await res.json();
    text = problem.detail || problem.title || text;
  } catch { /* an answer of somebody else's */ }
  throw new Refusing(res.status, text);
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await read(await fetch("api/" + path, { signal, headers: { Accept: "application/json" } }))).json();
}

async function post(path: string, what: unknown): Promise<Response> {
  return read(await fetch("api/" + path, {
    method: "POST", body: JSON.stringify(what), headers: { "Content-Type": "application/json", "X-Console": "1", Accept: "application/json" },
  }));
}

export const explain = async (what: unknown): Promise<string> => (await post("explain", what)).text();
export const replay = async (ref: string): Promise<void> => { await post("replay", { ref }); };
export const attempt = async (what: unknown): Promise<Came> => (await post("try", what)).json();

export interface Loaded<T> { value?: T; error?: string; again: () => void }

// useData loads a path now, when it changes, and again each so many seconds.
export function useData<T>(path: string | undefined, every = 0): Loaded<T> {
  const [state, set] = useState<{ path?: string; value?: T; error?: string }>({});
  const [turn, next] = useState(0);
  const again = useCallback(() => next((n) => n + 1), []);
  useEffect(() => {
    if (path === undefined) return;
    const stop = new AbortController();
    let timer = 0;
    const load = async () => {
      try {
        const value = await get<T>(path, stop.signal);
        set({ path, value });
      } catch (e) {
        if (stop.signal.aborted) return;
        set((old) => ({ path, value: old.path === path ? old.value : undefined, error: (e as Error).message }));
      }
      if (every > 0 && !stop.signal.aborted) timer = window.setTimeout(load, every * 1000);
    };
    load();
    return () => { stop.abort(); clearTimeout(timer); };
  }, [path, every, turn]);
  return { value: state.path === path ? state.value : undefined, error: state.path === path ? state.error : undefined, again };
}

export interface Live { history?: History; connected: boolean; error?: string }

// useLive follows the traffic of all, or of one version: its past is loaded once, and each second adds to it.
export function useLive(of: Key | undefined): Live {
  const [state, set] = useState<Live>({ connected: false });
  const name = of ? `?api=${encodeURIComponent(of.api)}&version=${encodeURIComponent(of.version ?? "")}` : "";
  const now = useRef<History | undefined>(undefined);
  const loaded = useRef(0);
  useEffect(() => {
    const stop = new AbortController();
    let loading = false;
    const load = async () => {
      if (loading) return;
      loading = true;
      try {
        now.current = await get<History>("traffic" + name, stop.signal);
        loaded.current = now.current.at;
        set((s) => ({ ...s, history: now.current, error: undefined }));
      } catch (e) {
        if (!stop.signal.aborted) set((s) => ({ ...s, error: (e as Error).message }));
      }
      loading = false;
    };
    load();
    const stream = new EventSource("api/live");
    stream.onopen = () => { set((s) => ({ ...s, connected: true })); };
    stream.onerror = () => { set((s) => ({ ...s, connected: false })); };
    stream.onmessage = (m) => {
      const frame: Frame = JSON.parse(m.data);
      const h = now.current;
      // The catalogue has changed, there is a gap, or the minutes of the rows are others by now.
      if (h && (frame.generation !== h.generation || frame.at > h.at + 3 || frame.at >= loaded.current + 60)) load();
      else if (h && frame.at > h.at) now.current = follow(h, frame, of);
      set((s) => ({ ...s, connected: true, history: now.current }));
    };
    return () => { stop.abort(); stream.close(); };
  }, [name]);
  return state;
}

const nothing: Sample = [0, 0, 0, 0, 0, 0];

// follow adds a second to the past.
function follow(h: History, f: Frame, of: Key | undefined): History {
  const index = of ? h.of.findIndex((k) => k.api === of.api && (k.version ?? "") === (of.version ?? "")) : -1;
  const sample = of ? f.of.find((o) => o.i === index)?.s ?? nothing : f.total;
  const seconds = [...h.seconds.slice(1), sample];
  let ten = h.ten_secs;
  if (f.coarse) {
    const last = seconds.slice(-10);
    const sum = (i: 0 | 1 | 2) => last.reduce((n, s) => n + s[i], 0);
    const worst = (i: 3 | 4 | 5) => Math.max(...last.map((s) => s[i]));
    ten = [...ten.slice(1), [sum(0), sum(1), sum(2), worst(3), worst(4), worst(5)]];
  }
  const all = h.of.map((k, i) => {
    const s = f.of.find((o) => o.i === i)?.s;
    if (!s) return k;
    const minutes = k.minutes ? [...k.minutes] : Array.from({ length: 60 }, (): Minute => [0, 0, 0, 0]);
    const m = minutes[59]!;
    minutes[59] = [m[0] + s[0], m[1] + s[1], m[2] + s[2], Math.max(m[3], s[4])];
    return { ...k, minutes };
  });
  return { ...h, at: f.at, seconds, ten_secs: ten, of: all };
}
