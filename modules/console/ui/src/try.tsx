// Trying a request: it goes through the gateway like any other.
import { useId, useState } from "preact/hooks";
import { attempt, explain, type API, type Came, type Field } from "./data";
import type { OpenAPI, Operation } from "./docs";
import { Explained } from "./explained";
import { bytes, ms } from "./format";
import { Failed, Status } from "./parts";
import { example, resolve, type Schema } from "./schema";

interface Scheme { type: string; in?: string; name?: string; scheme?: string; description?: string }

// Credentials stay in the page's memory, and are gone when it is closed.
const remembered = new Map<string, string>();

export function Try({ api, version, doc, path, method, op }: { api: API; version?: string; doc: OpenAPI; path: string; method: string; op: Operation }) {
  const id = useId();
  const schemes = schemesOf(doc, op);
  const body = resolve(doc, op.requestBody);
  const [kind, content] = Object.entries(body?.content ?? {}).find(([k]) => /json/.test(k)) ?? Object.entries(body?.content ?? {})[0] ?? [undefined, undefined];
  const [values, setValues] = useState<Record<string, string>>({});
  const [credential, setCredential] = useState(() => remembered.get(api.name) ?? "");
  const [by, setBy] = useState(schemes[0]?.[0] ?? "");
  const [text, setText] = useState(() => (kind && content ? JSON.stringify(example(doc, content.schema as Schema), null, 2) : ""));
  const [more, setMore] = useState("");
  const [came, setCame] = useState<Came | undefined>();
  const [why, setWhy] = useState<string | undefined>();
  const [error, fail] = useState<string | undefined>();
  const [busy, setBusy] = useState(false);
  const parameters = (op.parameters ?? []).filter((p) => p.in === "path" || p.in === "query" || (p.in === "header" && p.name.toLowerCase() !== "authorization"));

  const question = () => {
    const header: Field[] = [];
    let to = path;
    const query = new URLSearchParams();
    for (const p of parameters) {
      const v = values[p.in + p.name] ?? "";
      if (p.in === "path") to = to.replaceAll(`{${p.name}}`, encodeURIComponent(v));
      else if (v !== "" && p.in === "query") query.append(p.name, v);
      else if (v !== "") header.push({ name: p.name, value: v });
    }
    const scheme = schemes.find(([name]) => name === by)?.[1];
    if (credential && scheme) {
      remembered.set(api.name, credential);
      if (scheme.type === "apiKey" && scheme.in === "query") query.append(scheme.name ?? "key", credential);
      else if (scheme.type === "apiKey") header.push({ name: scheme.name ?? "X-API-Key", value: credential });
      else header.push({ name: "Authorization", value: /^\S+ /.test(credential) ? credential : `Bearer ${credential}` });
    }
    for (const line of more.split("\n")) {
      const at = line.indexOf(":");
      if (at > 0) header.push({ name: line.slice(0, at).trim(), value: line.slice(at + 1).trim() });
    }
    if (text && kind && !header.some((f) => f.name.toLowerCase() === "content-type")) header.push({ name: "Content-Type", value: kind });
    return { method, url: base(doc, api, version) + to + (query.size ? "?" + query : ""), header, body: text };
  };
  const send = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    setWhy(undefined);
    try {
      setCame(await attempt(question()));
      fail(undefined);
    } catch (err) {
      setCame(undefined);
      fail((err as Error).message);
    }
    setBusy(false);
  };
  const tell = async () => {
    const q = question();
    try {
      const b = new TextEncoder().encode(q.body);
      setWhy(await explain({ question: { method: q.method, url: q.url, header: q.header, body: b.length ? btoa(Array.from(b, (c) => String.fromCharCode(c)).join("")) : undefined } }));
    } catch (err) {
      fail((err as Error).message);
    }
  };
  return (
    <form class="try" onSubmit={send}>
      <h2>Try it</h2>
      <p class="note">The request goes through this gateway and to the service behind it, like any other: it counts, and it changes what it changes.</p>
      <div class="inputs">
        {schemes.length > 0 && <>
          <label for={id + "by"}>Credential</label>
          <span class="two">{schemes.length > 1 && <select id={id + "by"} aria-label="Kind of credential" value={by} onChange={(e) => setBy(e.currentTarget.value)}>{schemes.map(([n]) => <option key={n}>{n}</option>)}</select>}
            <input id={schemes.length > 1 ? id + "key" : id + "by"} aria-label={`Credential of ${api.name}`} type="password" autocomplete="off" value={credential} placeholder={placeholder(schemes.find(([n]) => n === by)?.[1])} onInput={(e) => setCredential(e.currentTarget.value)} /></span>
        </>}
        {parameters.map((p) => (
          <>
            <label for={id + p.in + p.name}>{p.name}{p.required && <span class="must"> *</span>}</label>
            <input id={id + p.in + p.name} required={p.required} value={values[p.in + p.name] ?? ""} placeholder={p.in} onInput={(e) => setValues({ ...values, [p.in + p.name]: e.currentTarget.value })} />
          </>
        ))}
        {kind && <><label for={id + "body"}>Body</label><textarea id={id + "body"} spellcheck={false} rows={Math.min(16, text.split("\n").length + 1)} value={text} onInput={(e) => setText(e.currentTarget.value)} /></>}
        <label for={id + "more"}>Header</label><textarea id={id + "more"} rows={1} spellcheck={false} value={more} placeholder="Name: value" onInput={(e) => setMore(e.currentTarget.value)} />
      </div>
      <p class="actions"><button type="submit" class="primary" disabled={busy}>Send {method}</button> <button type="button" onClick={tell}>Explain</button> <code>{question().url}</code></p>
      <Failed error={error} />
      <div role="status">
        {came && <div class="came">
          <p><Status code={came.status} /> {ms(came.took_ms)} · {bytes(came.bytes)} {came.broken && <span class="bad">{came.broken}</span>}</p>
          <details><summary>{came.header.length} header fields</summary><ul class="header">{came.header.map((f, i) => <li key={i}><b>{f.name}</b>: {f.value}</li>)}</ul></details>
          {came.body && <pre tabIndex={0} aria-label="Body of the answer">{pretty(came.body)}</pre>}
          {came.binary && <p class="note">The body is no text.</p>}
        </div>}
      </div>
      {why && <Explained text={why} />}
    </form>
  );
}

// base is where an API is, with its version where the path of an operation does not have it.
function base(doc: OpenAPI, api: API, _version?: string): string {
  const server = doc.servers?.[0]?.url ?? "";
  const host = api.hosts?.[0] ?? location.hostname;
  if (/^https?:/.test(server)) return server.replace(/^http:/, "https:").replace(/\/$/, "");
  return `https://${host}${server.replace(/\/$/, "")}`;
}

const placeholder = (s?: Scheme) => (s?.type === "apiKey" ? `a key, in ${s.name}` : "a token");

// schemesOf are the ways in which an operation's caller may say who it is.
function schemesOf(doc: OpenAPI, op: Operation): [string, Scheme][] {
  const known = (doc.components?.securitySchemes ?? {}) as Record<string, Scheme>;
  const asked = op.security ?? (doc.security as Record<string, string[]>[] | undefined) ?? [];
  return [...new Set(asked.flatMap((s) => Object.keys(s)))].flatMap((n) => { const s = resolve(doc, known[n]); return s && s.type !== "mutualTLS" ? [[n, s] as [string, Scheme]] : []; });
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
