// The catalogue as documentation of its APIs, made of their OpenAPI descriptions, with requests to try.
import { useEffect, useState } from "preact/hooks";
import { useData, type API, type APIs, type Loaded } from "./data";
import { Badge, Card, Empty, Failed, Loading, Prose, Title } from "./parts";
import { Fields, resolve, typeOf, type Document, type Schema } from "./schema";
import { Try } from "./try";

export interface Parameter { name: string; in: string; required?: boolean; description?: string; schema?: Schema }
interface Body { content?: Record<string, { schema?: Schema }>; description?: string; required?: boolean }
export interface Operation {
  operationId?: string; summary?: string; description?: string; deprecated?: boolean; parameters?: Parameter[]; requestBody?: Body;
  responses?: Record<string, Body & { headers?: Record<string, unknown> }>; security?: Record<string, string[]>[];
}
export interface OpenAPI extends Document {
  info: { title: string; version: string; description?: string; summary?: string }; servers?: { url: string }[];
  paths?: Record<string, Record<string, unknown>>;
}

// rank has answers in the order of their numbers, those of a whole class before those of it, and the others last.
const rank = (code: string) => (/^\d/.test(code) ? code.replace("XX", "") : "x");

const methods = ["get", "post", "put", "patch", "delete", "head", "options"];

export function Docs({ apis, at, go }: { apis: Loaded<APIs>; at?: string; go: (at: string) => void }) {
  const all = apis.value?.apis ?? [];
  const [name, version] = (at ?? "").split("@").map(decodeURIComponent);
  const api = all.find((a) => a.name === name) ?? all[0];
  const newest = api?.versions.findLast((v) => v.state === "active") ?? api?.versions.at(-1);
  const of = api?.versions.find((v) => v.name === version) ?? newest;
  const link = (a: string, v = "") => `${encodeURIComponent(a)}@${encodeURIComponent(v)}`;
  const said = useData<OpenAPI>(api && `document?api=${encodeURIComponent(api.name)}&version=${encodeURIComponent(of?.name ?? "")}`);
  return (
    <>
      <Title aside={api && <>
        <label class="inline">API <select value={api.name} onChange={(e) => go(link(e.currentTarget.value))}>{all.map((a) => <option key={a.name} value={a.name}>{a.title ?? a.name}</option>)}</select></label>
        {of && <label class="inline">Version <select value={of.name} onChange={(e) => go(link(api.name, e.currentTarget.value))}>{[...api.versions].reverse().map((v) => <option key={v.name} value={v.name}>{v.name}{v.state !== "active" ? ` (${v.state})` : ""}</option>)}</select></label>}
      </>}>APIs</Title>
      <Failed error={apis.error ?? said.error} again={said.again} />
      <Loading value={apis.value && (all.length === 0 || said.value)} error={apis.error ?? said.error} />
      {apis.value && all.length === 0 && <Empty>The catalogue has no API.</Empty>}
      {api && said.value && <Described key={link(api.name, of?.name)} api={api} version={of?.name} doc={said.value} />}
    </>
  );
}

function Described({ api, version, doc }: { api: API; version?: string; doc: OpenAPI }) {
  const operations = Object.entries(doc.paths ?? {}).flatMap(([path, item]) => methods.filter((m) => item[m]).map((m) => {
    const op = item[m] as Operation;
    const shared = (item.parameters ?? []) as Parameter[];
    return { path, method: m, op: { ...op, parameters: [...shared, ...(op.parameters ?? [])].map((p) => resolve(doc, p)) } };
  }));
  const [find, type] = useState("");
  const [shown, more] = useState(100);
  useEffect(() => more(100), [find]);
  const matching = operations.filter((o) => !find || `${o.method} ${o.path} ${o.op.summary ?? ""}`.toLowerCase().includes(find.toLowerCase()));
  return (
    <>
      <Card class="about">
        <p><b>{doc.info.title}</b> {doc.info.version}{doc.info.summary && ` · ${doc.info.summary}`}</p>
        {doc.info.description && <Prose text={doc.info.description} />}
        <p class="note">{doc.servers?.map((s) => s.url).join(" · ")}</p>
        {operations.length > 8 && <label class="inline">Find <input type="search" value={find} placeholder="a path or a word" onInput={(e) => type(e.currentTarget.value)} /></label>}
      </Card>
      {matching.slice(0, shown).map((o) => <One key={o.method + o.path} {...o} api={api} version={version} doc={doc} />)}
      {matching.length > shown && <p><button type="button" onClick={() => more(shown + 100)}>Show more of {matching.length}</button></p>}
      {matching.length === 0 && <Empty>No operation.</Empty>}
    </>
  );
}

function One({ path, method, op, api, version, doc }: { path: string; method: string; op: Operation; api: API; version?: string; doc: OpenAPI }) {
  const [open, set] = useState(false);
  const parameters = op.parameters ?? [];
  const body = resolve(doc, op.requestBody);
  return (
    <details class="operation" open={open} onToggle={(e) => set(e.currentTarget.open)}>
      <summary><span class={`method ${method}`}>{method}</span> <code>{path}</code> {op.summary !== `${method.toUpperCase()} ${path}` && <span class="note">{op.summary}</span>}{op.deprecated && <Badge kind="deprecated">deprecated</Badge>}</summary>
      {open && <div class="inside">
        {op.description && <Prose text={op.description} />}
        {parameters.length > 0 && <><h2>Parameters</h2><ul class="fields">{parameters.map((p) => (
          <li key={p.in + p.name}><code>{p.name}</code> <span class="type">{p.in}, {typeOf(doc, p.schema)}</span>{p.required && <span class="must"> required</span>}<span class="note"> {p.description}</span></li>
        ))}</ul></>}
        {body?.content && Object.entries(body.content).slice(0, 1).map(([kind, c]) => <div key={kind}><h2>Request body <span class="note">{Object.keys(body.content!).join(", ")}</span></h2><Fields doc={doc} schema={c.schema} /></div>)}
        {op.responses && <><h2>Answers</h2><ul class="answers">{Object.entries(op.responses).sort(([a], [b]) => rank(a).localeCompare(rank(b))).map(([code, from]) => {
          const res = resolve(doc, from), content = Object.entries(res?.content ?? {})[0];
          const kind = `code ${code < "300" ? "ok" : code < "500" ? "no" : "bad"}`;
          return <li key={code}>{content?.[1].schema && code < "300" ? <details><summary><span class={kind}>{code}</span> {res.description}</summary><Fields doc={doc} schema={content[1].schema} /></details> : <p><span class={kind}>{code}</span> {res?.description}</p>}</li>;
        })}</ul></>}
        <Try api={api} version={version} doc={doc} path={path} method={method.toUpperCase()} op={op} />
      </div>}
    </details>
  );
}
