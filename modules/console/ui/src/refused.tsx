// The requests that were refused of late, each with why.
import { useEffect, useState } from "preact/hooks";
import { explain, useData, type Refusal, type Refusals } from "./data";
import { Explained } from "./explained";
import { moment, time } from "./format";
import { Card, Empty, Failed, Loading, nameOf, Status, Title } from "./parts";

export function Refused({ open, go }: { open?: string; go: (id?: string) => void }) {
  const said = useData<Refusals>("refused", 3);
  const [kind, setKind] = useState("");
  const all = said.value?.refused ?? [];
  const kinds = [...new Set(all.map((r) => r.problem))].sort();
  const shown = all.filter((r) => !kind || r.problem === kind);
  const one = all.find((r) => r.id === open);
  return (
    <>
      <Title aside={<label class="inline">Problem <select value={kind} onChange={(e) => setKind(e.currentTarget.value)}><option value="">all</option>{kinds.map((k) => <option key={k}>{k}</option>)}</select></label>}>Refused requests</Title>
      <Failed error={said.error} again={said.again} />
      <Loading {...said} />
      {said.value && all.length === 0 && <Empty>None has been refused since the console began to look.</Empty>}
      <div class={`pair ${one ? "open" : ""}`}>
        {shown.length > 0 && <Card class="list"><ul class="refusals">{shown.map((r) => (
          <li key={r.id}><button type="button" aria-pressed={r.id === open} onClick={() => go(r.id === open ? undefined : r.id)}>
            <Status code={r.status} /><span class="what"><b>{r.problem}</b><span>{r.method} {pathOf(r.url)}</span></span>
            <span class="who">{r.consumer ?? r.client ?? ""}</span><time class="note">{time(r.at)}</time>
          </button></li>
        ))}</ul></Card>}
        {one && <Detail key={one.id} of={one} close={() => go(undefined)} />}
        {open && said.value && !one && <Card><Empty>This request is not kept any more.</Empty></Card>}
      </div>
    </>
  );
}

const pathOf = (url: string) => url.replace(/^https:\/\/[^/]*/, "");

function Detail({ of, close }: { of: Refusal; close: () => void }) {
  const [text, set] = useState<string | undefined>();
  const [error, fail] = useState<string | undefined>();
  useEffect(() => { explain({ refused: of.id }).then(set, (e: Error) => fail(e.message)); }, [of.id]);
  const fact = (name: string, value?: string) => (value ? <div><dt>{name}</dt><dd>{value}</dd></div> : null);
  return (
    <Card class="detail" title={<><Status code={of.status} /> {of.title}</>} aside={<button type="button" class="link" onClick={close}>close</button>}>
      {of.detail && <p>{of.detail}</p>}
      <dl class="facts">
        {fact("Request", `${of.method} ${of.url}`)}
        {fact("When", moment(of.at))}
        {fact("API", of.api ? nameOf(of) : undefined)}
        {fact("Route", of.route)}
        {fact("Directive", of.alone)}
        {fact("Ended in", of.stage)}
        {fact("Because", of.cause)}
        {fact("Consumer", of.consumer)}
        {fact("Client", of.client)}
        {fact("Decision", of.decision)}
        {fact("Request id", of.id)}
      </dl>
      <h2 class="small">Explained</h2>
      {of.alone && <p class="note">What {of.alone} found then, which stands alone in its site.</p>}
      {!of.alone && <p class="note">What becomes of the same request now{of.consumer ? `, as ${of.consumer}` : ", without its credential, which is not kept"}{of.partial ? "; a part of it was too large to be kept" : ""}. Nothing of it happens.</p>}
      <Failed error={error} />
      <Loading value={text} error={error} />
      {text && <Explained text={text} />}
    </Card>
  );
}
