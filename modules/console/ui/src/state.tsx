// What is in force and how it stands: loads, policies, keys, quotas near their end, upstreams and breakers.
import type { ComponentChildren } from "preact";
import type { Ending, Loaded, Nears } from "./data";
import { ago, count, exact, percent, span } from "./format";
import { Badge, Card, Empty, Failed, Loading, Table, Title } from "./parts";

interface Mistake { file?: string; line?: number; column?: number; summary: string; detail?: string }
interface Failure { kind?: string; time: string; detail?: string; mistakes?: Mistake[] }
interface Policies { source: string; paths?: string[]; url?: string; waiting?: boolean; unconfirmed?: boolean; revision?: string; etag?: string; requested?: string; activated?: string; unreachable?: Failure; error?: Failure }
interface Server { upstream: string; host: string; breaker?: string; since?: string; healthy?: boolean }
interface Party { integration: string; host: string; asked: number; retried: number; failed: number; under_way: number; breaker?: string; since?: string }

export interface StatusSaid {
  version?: string; caddy?: string; uptime_seconds?: number; health?: { ready: boolean; because?: string[] };
  generation: number; loaded: string; files?: number; warnings?: Mistake[]; error?: { time: string; since?: string; mistakes: Mistake[]; more?: number };
  policies?: Policies; candidate?: Policies; decisions?: { query: string; sees: string[]; remembered: boolean; because?: string }[];
  issuers?: { issuer: string; keys: number; waiting?: boolean; stale?: boolean; confirmed?: string; error?: { time: string; error?: string; detail?: string } }[];
  introspection?: { endpoint: string; asked: number; failed: number; failing?: boolean; error?: string }[];
  signing?: { source: string; signs?: string; since?: string; next?: string; error?: string }[];
  counters?: { engine: string; mode?: string; reachable?: boolean; since?: string; gateways?: number; error?: string };
  ledger?: { ready: boolean; error?: string; waiting?: number; dead?: number };
  upstreams?: Server[]; integrations?: Party[]; usage?: { folder: string; error?: string };
}

export interface Concern { text: string; kind: "bad" | "no"; to: string }

// concerns are what an operator should look at.
export function concerns(s: StatusSaid | undefined, near: Nears | undefined, ending: Ending[] | undefined): Concern[] {
  const all: Concern[] = [];
  const add = (text: string, kind: "bad" | "no", to = "state") => all.push({ text, kind, to });
  if (s?.error) add("The files have mistakes; what was loaded before is in force", "bad");
  if (s?.health && !s.health.ready) add("Not ready: " + (s.health.because ?? []).join(", "), "bad");
  if (s?.warnings?.length) add(s.warnings.length === 1 ? "The load in force has a warning" : `The load in force has ${s.warnings.length} warnings`, "no");
  for (const p of [s?.policies, s?.candidate]) if (p?.error || p?.unreachable || p?.waiting) add(p.error ? "The newest policies are not in force" : p.waiting ? "There are no policies yet" : "The server of policies gives none", "bad");
  for (const u of [...(s?.upstreams ?? []), ...(s?.integrations ?? [])]) if (u.breaker && u.breaker !== "closed") add(`The breaker of ${u.host} is ${u.breaker}`, "bad");
  for (const u of s?.upstreams ?? []) if (u.healthy === false) add(`${u.host} is not healthy`, "bad");
  for (const i of s?.issuers ?? []) if (i.error || i.waiting || i.stale) add(`The keys of ${i.issuer} cannot be fetched`, "no");
  if (s?.counters?.error || s?.counters?.reachable === false) add("Shared counters cannot be reached", "bad");
  if (s?.ledger && !s.ledger.ready) add("The ledger cannot store", "bad", "webhooks");
  if (s?.ledger?.dead) add(s.ledger.dead === 1 ? "One event was given up" : `${count(s.ledger.dead)} events were given up`, "no", "webhooks");
  if (s?.usage?.error) add("Usage cannot be kept", "no");
  const used = near?.quotas.filter((q) => q.share >= 0.999).length ?? 0;
  if (used) add(used === 1 ? "One caller has used up a quota" : `${used} quotas are used up`, "no");
  for (const e of ending ?? []) {
    const left = e.sunset ? (Date.parse(e.sunset) - Date.now()) / 1000 : Infinity;
    const whom = e.callers === 1 ? "one consumer" : `${exact(e.callers)} consumers`;
    if (left < 365 * 86400) add(`${e.api} ${e.version} ${left > 0 ? `ends in ${span(left)}` : `ended ${span(-left)} ago`}, and ${whom} called it in the last 14 days`, left > 0 && left < 30 * 86400 ? "bad" : "no", "callers");
  }
  return all;
}

export function State({ status, near, ending }: { status: Loaded<StatusSaid>; near: Loaded<Nears>; ending?: Ending[] }) {
  const s = status.value;
  const all = s ? concerns(s, near.value, ending) : [];
  return (
    <>
      <Title>In force</Title>
      <Failed error={status.error} again={status.again} />
      <Loading {...status} />
      {s && all.length > 0 && <ul class="concerns">{all.map((c) => <li key={c.text} class={c.kind}>{c.to === "state" ? c.text : <a href={`#/${c.to}`}>{c.text}</a>}</li>)}</ul>}
      {s && <div class="grid">
        <Loads s={s} />
        <Source title="Policies" p={s.policies} loaded={s.loaded} />
        {s.candidate && <Source title="Policies on trial" p={s.candidate} />}
        <Keys s={s} />
      </div>}
      <Card title="Quotas near their end" aside={<span class="note">used by 80 % or more, as seen by this node</span>}>
        <Failed error={near.error} again={near.again} />
        {near.value?.quotas.length === 0 && <Empty>No caller is near the end of a quota.</Empty>}
        {near.value && near.value.quotas.length > 0 && <ul class="quotas">{near.value.quotas.map((q) => (
          <li key={q.limit + q.quota + q.key}><b>{q.key}</b><span class="note">{q.limit}, {q.quota}</span>
            <meter min={0} max={1} low={0.8} high={0.95} optimum={0} value={Math.min(1, q.share)} aria-label={`${q.key} has used ${percent(q.share)} of ${q.quota}`} /><span>{percent(q.share)}</span>
            <span class="note">{q.clear ? `below 80 % ${ago(q.clear)}` : ago(q.at)}</span></li>
        ))}</ul>}
        {near.value?.more ? <p class="note">and {exact(near.value.more)} more</p> : null}
      </Card>
      {s && <Servers s={s} />}
      {s?.decisions && s.decisions.length > 0 && <Card title="Decisions"><Table caption="What each query of a policy sees of requests" rows={s.decisions} keyOf={(d) => d.query} columns={[
        { head: "Query", wide: true, cell: (d) => <code>{d.query}</code> },
        { head: "Sees", wide: true, cell: (d) => d.sees.join(", ") || "nothing of the input" },
        { head: "Remembered", cell: (d) => (d.remembered ? "yes" : <>no{d.because && <span class="note">: {d.because}</span>}</>) },
      ]} /></Card>}
    </>
  );
}

const fact = (name: string, value: ComponentChildren) => (value === undefined || value === "" ? null : <div><dt>{name}</dt><dd>{value}</dd></div>);

function Mistakes({ all, more }: { all: Mistake[]; more?: number }) {
  return <ul class="mistakes">{all.map((m, i) => <li key={i}><b>{m.summary}</b> {m.detail}{m.file && <code>{m.file}:{m.line}:{m.column}</code>}</li>)}{more ? <li>and {more} more</li> : null}</ul>;
}

function Loads({ s }: { s: StatusSaid }) {
  return (
    <Card title="Catalogue" aside={s.error ? <Badge kind="bad">last load failed</Badge> : <Badge kind="ok">current</Badge>}>
      <dl class="facts">
        {fact("Generation", exact(s.generation))}
        {fact("Loaded", ago(s.loaded))}
        {fact("Files", s.files === undefined ? undefined : exact(s.files))}
        {fact("Up for", s.uptime_seconds === undefined ? undefined : span(s.uptime_seconds))}
        {fact("Gateway", s.version)}
        {fact("Caddy", s.caddy)}
      </dl>
      {s.error && <><p class="bad">Failed {ago(s.error.time)}:</p><Mistakes all={s.error.mistakes} more={s.error.more} /></>}
      {s.warnings && s.warnings.length > 0 && <><p class="no">Warnings:</p><Mistakes all={s.warnings} /></>}
    </Card>
  );
}

function Source({ title, p, loaded }: { title: string; p?: Policies; loaded?: string }) {
  const failure = p?.error ?? p?.unreachable;
  return (
    <Card title={title} aside={failure || p?.waiting ? <Badge kind="bad">{p?.waiting ? "none yet" : "failing"}</Badge> : p && <Badge kind="ok">in force</Badge>}>
      {!p && <Empty>From a folder, loaded with the catalogue, or none at all.</Empty>}
      {p && <dl class="facts">
        {fact("From", p.url ?? p.paths?.join(", ") ?? p.source)}
        {fact("Revision", p.revision)}
        {fact("In force since", p.activated ? ago(p.activated) : p.source === "folder" && loaded ? ago(loaded) : undefined)}
        {fact("Last asked", p.requested ? ago(p.requested) : undefined)}
        {p.unconfirmed && fact("Note", "from disk; the server has not confirmed them yet")}
      </dl>}
      {failure && <><p class="bad">{failure.kind ?? "error"} since {ago(failure.time).replace(/ ago$/, "")}{failure.detail && ": " + failure.detail}</p>{failure.mistakes && <Mistakes all={failure.mistakes} />}</>}
    </Card>
  );
}

function Keys({ s }: { s: StatusSaid }) {
  const c = s.counters, l = s.ledger;
  return (
    <Card title="Engines">
      <dl class="facts">
        {fact("Counters", c ? <>{c.engine}{c.mode && `, ${c.mode}`}{c.gateways ? `, ${c.gateways} gateways` : ""}{c.error && <span class="bad"> {c.error}</span>}</> : "memory")}
        {l && fact("Ledger", l.ready ? <>ready{l.waiting !== undefined && `, ${count(l.waiting)} waiting`}{l.dead ? <span class="no">, {count(l.dead)} dead</span> : ""}</> : <span class="bad">{l.error ?? "not ready"}</span>)}
        {s.usage && fact("Usage", s.usage.error ? <span class="bad">{s.usage.error}</span> : "kept")}
        {s.issuers?.map((i) => fact(i.issuer, <>{i.keys} {i.keys === 1 ? "key" : "keys"}{i.confirmed && `, confirmed ${ago(i.confirmed)}`}{i.stale && <span class="bad"> stale</span>}</>))}
        {s.introspection?.map((i) => fact(i.endpoint, <>{count(i.asked)} asked{i.failing && <span class="bad"> failing: {i.error}</span>}</>))}
        {s.signing?.map((k) => fact("Signing", <>{k.source}{k.since && `, since ${ago(k.since).replace(/ ago$/, "")}`}{k.error && <span class="bad"> {k.error}</span>}</>))}
      </dl>
    </Card>
  );
}

const breaker = (b?: string) => (b ? <Badge kind={b === "closed" ? "ok" : b === "open" ? "bad" : "no"}>{b}</Badge> : <span class="note">none</span>);

function Servers({ s }: { s: StatusSaid }) {
  const servers = s.upstreams ?? [], parties = s.integrations ?? [];
  return (
    <Card title="Upstreams and third parties">
      {servers.length + parties.length === 0 && <Empty>None has anything to tell: no health check, no breaker, no third party.</Empty>}
      {servers.length > 0 && <Table<Server> caption="Servers of upstreams" rows={servers} keyOf={(u) => u.upstream + u.host} columns={[
        { head: "Upstream", cell: (u) => <b>{u.upstream}</b> }, { head: "Server", wide: true, cell: (u) => u.host },
        { head: "Health", cell: (u) => (u.healthy === undefined ? "–" : u.healthy ? <Badge kind="ok">healthy</Badge> : <Badge kind="bad">unhealthy</Badge>) },
        { head: "Breaker", cell: (u) => breaker(u.breaker) }, { head: "Since", number: true, cell: (u) => (u.since ? ago(u.since) : "–") },
      ]} />}
      {parties.length > 0 && <Table<Party> caption="Third parties" rows={parties} keyOf={(u) => u.integration + u.host} columns={[
        { head: "Integration", cell: (u) => <b>{u.integration}</b> }, { head: "Host", wide: true, cell: (u) => u.host },
        { head: "Asked", number: true, cell: (u) => count(u.asked) }, { head: "Retried", number: true, cell: (u) => count(u.retried) }, { head: "Failed", number: true, cell: (u) => count(u.failed) },
        { head: "Breaker", cell: (u) => breaker(u.breaker) },
      ]} />}
    </Card>
  );
}
