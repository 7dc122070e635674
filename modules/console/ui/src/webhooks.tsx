// Events of webhooks that wait, are tried again, were given up or delivered.
import { useState } from "preact/hooks";
import { replay, useData, type Event, type Events } from "./data";
import { ago, bytes } from "./format";
import { Card, Choice, Empty, Failed, Loading, Table, Title } from "./parts";

type State = "pending" | "retrying" | "dead" | "delivered";
const what: Record<State, string> = { pending: "No event waits.", retrying: "No event is tried again.", dead: "No event was given up.", delivered: "None in the last 24 hours." };

export function Webhooks() {
  const [state, setState] = useState<State>("dead");
  const [after, setAfter] = useState("");
  const said = useData<Events>(`webhooks?state=${state}${after ? "&after=" + after : ""}`, 5);
  const [told, tell] = useState<{ text: string; bad?: boolean }>();
  const [busy, setBusy] = useState<string>();
  const again = async (e: Event) => {
    setBusy(e.ref);
    try {
      await replay(e.ref);
      tell({ text: `${e.webhook} ${e.id} is delivered again.` });
    } catch (err) {
      tell({ text: `${e.id}: ${(err as Error).message}`, bad: true });
    }
    setBusy(undefined);
    said.again();
  };
  const ended = state === "dead" || state === "delivered";
  const events = said.value?.events ?? [], off = said.value?.off;
  const next = events[events.length - 1]?.ref.split("/")[1];
  return (
    <>
      <Title aside={<Choice label="Events" all={[["pending", "pending"], ["retrying", "retrying"], ["dead", "dead"], ["delivered", "delivered"]]} value={state} choose={(s) => { setState(s); setAfter(""); }} />}>Webhooks</Title>
      <p class={`told ${told?.bad ? "bad" : ""}`} role="status">{told?.text}</p>
      <Card>
        <Failed error={said.error} again={said.again} />
        <Loading {...said} />
        {off ? <Empty>{off}</Empty> : said.value && events.length === 0 && <Empty>{what[state]}</Empty>}
        {events.length > 0 && <Table<Event> caption={`Events that are ${state}`} rows={events} keyOf={(e) => e.ref} columns={[
          { head: "Event", wide: true, cell: (e) => <><b>{e.webhook}</b> {e.kind}<br /><span class="note">{e.id}</span></> },
          { head: "Received", number: true, cell: (e) => ago(e.received) },
          { head: "Size", number: true, cell: (e) => bytes(e.size) },
          { head: "Attempts", number: true, cell: (e) => e.attempts ?? "–" },
          { head: "Last answer", wide: true, cell: (e) => e.reason ?? "–" },
          ...(ended ? [{ head: "Ended", number: true, cell: (e: Event) => (e.ended ? ago(e.ended) : "–") }, { head: "Action", cell: (e: Event) => <button type="button" disabled={busy === e.ref} onClick={() => again(e)} aria-label={`Replay ${e.id}`}>Replay</button> }] : []),
        ]} />}
        {next && events.length >= 100 && <p><button type="button" onClick={() => setAfter(next)}>The next 100</button></p>}
        {after && <p><button type="button" onClick={() => setAfter("")}>From the oldest</button></p>}
      </Card>
    </>
  );
}
