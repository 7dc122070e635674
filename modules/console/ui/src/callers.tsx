// Who calls what.
import { useEffect, useState } from "preact/hooks";
import { useData, type APIs, type Callers as Said, type Row } from "./data";
import { ago, count, date, exact, ms, percent, span } from "./format";
import { Card, Choice, Empty, Failed, Loading, nameOf, Table, Title } from "./parts";

type Since = "1d" | "7d" | "14d" | "30d";

export function Callers({ apis }: { apis?: APIs }) {
  const [since, setSince] = useState<Since>("14d");
  const [of, setOf] = useState("");
  const [typed, type] = useState("");
  const [name, setName] = useState("");
  useEffect(() => { const t = setTimeout(() => setName(typed), 250); return () => clearTimeout(t); }, [typed]);
  const [api, version] = of === "" ? ["", ""] : (JSON.parse(of) as [string, string]);
  const query = new URLSearchParams({ since });
  if (api) query.set("api", api);
  if (version) query.set("version", version);
  if (name) query.set("name", name);
  const said = useData<Said>("callers?" + query, 30);
  const most = Math.max(1, ...(said.value?.rows ?? []).map((r) => r.requests));
  return (
    <>
      <Title aside={<Choice label="Time counted" all={[["1d", "day"], ["7d", "week"], ["14d", "14 days"], ["30d", "30 days"]]} value={since} choose={setSince} />}>Callers</Title>
      {said.value?.ending?.map((e) => <EndingNote key={e.api + e.version} e={e} />)}
      <Card>
        <form class="filters" onSubmit={(e) => e.preventDefault()}>
          <label>API <select value={of} onChange={(e) => setOf(e.currentTarget.value)}>
            <option value="">all</option>
            {apis?.apis.flatMap((a) => (a.versions.length ? a.versions.map((v) => v.name) : [""]).map((v) => <option key={a.name + v} value={JSON.stringify([a.name, v])}>{nameOf({ api: a.name, version: v })}</option>))}
          </select></label>
          <label>Consumer <input type="search" value={typed} placeholder="a part of its id" onInput={(e) => type(e.currentTarget.value)} /></label>
          {said.value && !said.value.off && <span class="note">since {date(said.value.from)}, counted by the {said.value.by}</span>}
        </form>
        <Failed error={said.error} again={said.again} />
        <Loading {...said} />
        {said.value?.off && <Empty>{said.value.off}</Empty>}
        {said.value?.rows?.length === 0 && <Empty>Nobody, as far as is known.</Empty>}
        {said.value?.rows && said.value.rows.length > 0 && <Table<Row> caption="Who calls what" rows={said.value.rows} keyOf={(r) => [r.api, r.version, r.selected, r.consumer].join("|")} columns={[
          { head: "Consumer", cell: (r) => <b>{r.consumer}</b>, wide: true },
          { head: "API", cell: (r) => nameOf(r) },
          { head: "Version by", cell: (r) => r.selected ?? "–" },
          { head: "Requests", number: true, cell: (r) => <span class="bar"><i style={`width:${Math.max(1, (r.requests / most) * 100)}%`} /><span title={exact(r.requests)}>{count(r.requests)}</span></span> },
          { head: "Refused", number: true, cell: (r) => <span class={r.denied ? "no" : "note"}>{percent(r.denied / Math.max(1, r.requests))}</span> },
          { head: "Failed", number: true, cell: (r) => <span class={r.errors ? "bad" : "note"}>{percent(r.errors / Math.max(1, r.requests))}</span> },
          { head: "Mean", number: true, cell: (r) => ms(r.mean_seconds * 1000) },
          { head: "Last seen", number: true, cell: (r) => ago(r.last_seen) },
        ]} />}
        {said.value?.more ? <p class="note">{exact(said.value.more)} more with fewer requests are not shown.</p> : null}
      </Card>
    </>
  );
}

function EndingNote({ e }: { e: Said["ending"][number] }) {
  const ends = e.sunset ? (Date.parse(e.sunset) - Date.now()) / 1000 : undefined;
  return (
    <p class={`callout ${ends !== undefined && ends < 90 * 86400 ? "bad" : "no"}`}>
      <b>{nameOf(e)}</b> {ends === undefined ? "is deprecated" : ends > 0 ? `ends in ${span(ends)}` : `ended ${span(-ends)} ago`} and has been called by {e.callers === 1 ? "one consumer" : `${exact(e.callers)} consumers`} in
      the last 14 days: {e.consumers.slice(0, 8).join(", ")}{e.callers > 8 ? " and others" : ""}. Last {ago(e.last_seen)}.
    </p>
  );
}
