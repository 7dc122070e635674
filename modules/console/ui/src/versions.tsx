// The versions of each API in time.
import { useEffect, useRef, useState } from "preact/hooks";
import type { API, APIs, Callers, Loaded, Version } from "./data";
import { ago, date, span } from "./format";
import { Badge, Card, Empty, Failed, Loading, Title } from "./parts";

const year = 365.25 * 86400e3;

export function Versions({ apis, callers }: { apis: Loaded<APIs>; callers?: Callers }) {
  const all = apis.value?.apis ?? [];
  return (
    <>
      <Title>Versions</Title>
      <Failed error={apis.error} again={apis.again} />
      <Loading {...apis} />
      {apis.value && all.length === 0 && <Empty>The catalogue has no API.</Empty>}
      {all.map((api) => <One key={api.name} api={api} now={Date.parse(apis.value!.now)} callers={callers} />)}
    </>
  );
}

function One({ api, now, callers }: { api: API; now: number; callers?: Callers }) {
  const of = (v: Version) => callers?.versions?.find((c) => c.api === api.name && c.version === v.name);
  const whose = (n: number) => (n === 1 ? "1 caller" : `${n} callers`);
  return (
    <Card title={api.title ?? api.name} aside={<span class="note">{api.base_path} · {api.routes} {api.routes === 1 ? "route" : "routes"}</span>}>
      {api.versions.length === 0 ? <Empty>This API has no versions.</Empty> : <Timeline api={api} now={now} label={(v) => { const c = of(v); return c ? whose(c.callers) : "no callers"; }} />}
      <ul class="versions">{[...api.versions].reverse().map((v) => {
        const c = of(v);
        const ends = v.sunset ? Date.parse(v.sunset) : 0;
        return (
          <li key={v.name}>
            <h3>{v.name} <Badge kind={v.state}>{v.state}</Badge></h3>
            <p>
              released {date(v.released)}
              {v.deprecated && <>, {Date.parse(v.deprecated) > now ? "to be deprecated" : "deprecated"} {date(v.deprecated)}</>}
              {v.sunset && <>, {ends > now ? `ends ${date(v.sunset)}, in ${span((ends - now) / 1000)}` : `ended ${date(v.sunset)}`}</>}
              {v.brownouts?.map((b) => <>, brown-out {date(b.from)} for {span((Date.parse(b.until) - Date.parse(b.from)) / 1000)}</>)}
              {v.docs && <>, <a href={v.docs} rel="noreferrer">migration guide</a></>}
            </p>
            <p class={c && v.sunset ? "still" : "note"}>{c ? `${whose(c.callers)}, last ${ago(c.last_seen, now)}` : callers?.versions ? "nobody has called it in the last 14 days" : ""}</p>
            {v.changes && v.changes.length > 0 && <details><summary>{v.changes.length} {v.changes.length === 1 ? "change" : "changes"} from the version before</summary>
              <ul>{v.changes.map((ch) => <li key={ch.name}><b>{ch.name}</b> {ch.summary}</li>)}</ul></details>}
          </li>
        );
      })}</ul>
    </Card>
  );
}

// Timeline draws a bar for each version, from its release to its end.
function Timeline({ api, now, label }: { api: API; now: number; label: (v: Version) => string }) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(720);
  useEffect(() => {
    const el = box.current;
    if (!el) return;
    const follow = new ResizeObserver(() => setWidth(Math.max(240, el.clientWidth)));
    follow.observe(el);
    return () => follow.disconnect();
  }, []);
  const times = api.versions.flatMap((v) => [v.released, v.deprecated, v.sunset].filter((t) => t !== undefined).map((t) => Date.parse(t)));
  const from = Math.max(Math.min(...times, now - year), now - 8 * year), until = Math.min(Math.max(...times, now + year / 2) + year / 6, now + 6 * year);
  const x = (t: number) => Math.min(width, Math.max(0, ((t - from) / (until - from)) * width));
  const high = 42, top = 22;
  const height = top + api.versions.length * high;
  const years: number[] = [];
  const every = Math.ceil((until - from) / year / (width / 60));
  for (let y = new Date(from).getUTCFullYear() + 1; Date.UTC(y, 0) < until; y++) if (y % every === 0) years.push(y);
  const said = `Timeline of ${api.name}: ` + api.versions.map((v) => `${v.name} released ${date(v.released)}${v.deprecated ? `, deprecated ${date(v.deprecated)}` : ""}${v.sunset ? `, ends ${date(v.sunset)}` : ""}`).join("; ");
  return (
    <div class="timeline" ref={box}>
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={said}>
        {years.map((y) => <g key={y}><line x1={x(Date.UTC(y, 0))} x2={x(Date.UTC(y, 0))} y1={14} y2={height} class="year" /><text x={x(Date.UTC(y, 0))} y="10" text-anchor="middle" class="label">{y}</text></g>)}
        {api.versions.map((v, i) => {
          const y = top + i * high + 16, begin = x(Date.parse(v.released));
          const end = v.sunset ? x(Date.parse(v.sunset)) : width;
          const old = v.deprecated ? Math.min(end, Math.max(begin, x(Date.parse(v.deprecated)))) : end;
          const at = Math.min(begin, width - 150);
          return (
            <g key={v.name}>
              <text x={at} y={y - 4} class="name">{v.name}<tspan dx="8" class="label">{label(v)}</tspan></text>
              <rect x={begin} y={y} width={Math.max(2, old - begin)} height="13" rx="2" class={v.state === "preview" ? "preview" : "active"} />
              {old < end && <rect x={old} y={y} width={end - old} height="13" rx="2" class="deprecated" />}
              {v.sunset && <g class="sunset"><line x1={end} x2={end} y1={y - 3} y2={y + 16} /></g>}
              {v.brownouts?.map((b) => <rect key={b.from} x={x(Date.parse(b.from)) - 1.5} width={Math.max(3, x(Date.parse(b.until)) - x(Date.parse(b.from)))} y={y - 2} height="17" class="brownout" />)}
            </g>
          );
        })}
        <line x1={x(now)} x2={x(now)} y1={12} y2={height} class="now" />
        <text x={x(now) + 4} y={height - 2} class="label">today</text>
      </svg>
      <ul class="legend"><li><i class="active" />in force</li><li><i class="deprecated" />deprecated</li><li><i class="brownout" />brown-out</li><li><i class="sunset" />sunset</li></ul>
    </div>
  );
}
