// Live traffic: requests, errors and latency of all, or of a version of an API.
import { useState } from "preact/hooks";
import { Chart, Spark, type Line } from "./chart";
import { useLive, type APIs, type Key, type Sample } from "./data";
import { count, ms, percent, rate } from "./format";
import { Badge, Card, Choice, Failed, Loading, nameOf, sameKey, Title } from "./parts";

type Window = "2m" | "1h";

// Where no directive stands alone, there is no row of them.
const alone = "(stages alone)";

export function Traffic({ apis, theme }: { apis?: APIs; theme: string }) {
  const [of, choose] = useState<Key | undefined>();
  const [window, setWindow] = useState<Window>("2m");
  const live = useLive(of);
  const h = live.history;
  const samples = !h ? [] : window === "2m" ? h.seconds : h.ten_secs;
  const step = window === "2m" ? 1 : 10;
  const last = h ? h.seconds.slice(-10) : [];
  const states = new Map((apis?.apis ?? []).flatMap((a) => a.versions.map((v) => [nameOf({ api: a.name, version: v.name }), v.state] as const)));
  return (
    <>
      <Title aside={<><span class={`lamp ${live.connected ? "ok" : "no"}`} role="status">{live.connected ? "live" : "connecting"}</span><Choice label="Time shown" all={[["2m", "2 minutes"], ["1h", "1 hour"]]} value={window} choose={setWindow} /></>}>
        Traffic {of && <span class="of">of {nameOf(of)} <button type="button" class="link" onClick={() => choose(undefined)}>show all</button></span>}
      </Title>
      <Failed error={live.error} />
      <Loading value={h} error={live.error} />
      {h && <Numbers samples={last} />}
      {h && <Charts samples={samples} at={h.at} step={step} theme={theme} />}
      {h && (
        <Card title="APIs and versions" aside={<span class="note">the last hour, by the minute</span>}>
          <ul class="rows">{h.of.filter((k) => (k.api && k.api !== alone) || k.minutes).map((k) => {
            const m = k.minutes?.slice(-1)[0];
            const sum = (i: 0 | 1 | 2) => k.minutes?.reduce((n, one) => n + one[i], 0) ?? 0;
            const all = sum(0), state = states.get(nameOf(k));
            const said = `${nameOf(k)}: ${count(all)} requests in the last hour, ${count(sum(1))} refused, ${count(sum(2))} failed`;
            return (
              <li key={nameOf(k)}>
                <button type="button" class="row" aria-pressed={of !== undefined && sameKey(of, k)} onClick={() => choose(of && sameKey(of, k) ? undefined : { api: k.api, version: k.version })}>
                  <span class="name"><b>{k.api || "no API"}</b> {k.version} {state && state !== "active" && <Badge kind={state}>{state}</Badge>}</span>
                  <Spark minutes={k.minutes} label={said} />
                  <span class="cell"><b>{count(all)}</b> requests</span>
                  <span class={`cell ${sum(1) ? "no" : ""}`}><b>{percent(all ? sum(1) / all : 0)}</b> refused</span>
                  <span class={`cell ${sum(2) ? "bad" : ""}`}><b>{percent(all ? sum(2) / all : 0)}</b> failed</span>
                  <span class="cell"><b>{ms(m?.[3] ?? 0)}</b> p95</span>
                </button>
              </li>
            );
          })}</ul>
        </Card>
      )}
    </>
  );
}

function Numbers({ samples }: { samples: Sample[] }) {
  const sum = (i: 0 | 1 | 2) => samples.reduce((n, s) => n + s[i], 0);
  const all = sum(0), busy = samples.filter((s) => s[0] > 0);
  const worst = (i: 3 | 4 | 5) => Math.max(0, ...busy.map((s) => s[i]));
  const tile = (label: string, value: string, kind = "") => <div class={`tile ${kind}`}><dt>{label}</dt><dd>{value}</dd></div>;
  return (
    <dl class="tiles" aria-label="The last ten seconds">
      {tile("requests per second", rate(all / Math.max(1, samples.length)))}
      {tile("refused", percent(all ? sum(1) / all : 0), sum(1) ? "no" : "")}
      {tile("failed", percent(all ? sum(2) / all : 0), sum(2) ? "bad" : "")}
      {tile("p50", ms(worst(3)))}
      {tile("p95", ms(worst(4)))}
      {tile("p99", ms(worst(5)))}
    </dl>
  );
}

function Charts({ samples, at, step, theme }: { samples: Sample[]; at: number; step: number; theme: string }) {
  const per = (i: 1 | 2) => samples.map((s) => s[i] / step);
  const layers: Line[] = [
    { label: "failed", colour: "--bad", values: per(2), fill: true },
    { label: "refused", colour: "--no", values: per(1), fill: true },
    { label: "answered", colour: "--ok", values: samples.map((s) => (s[0] - s[1] - s[2]) / step), fill: true },
  ];
  const lines: Line[] = [
    { label: "p99", colour: "--p99", values: samples.map((s) => s[5]) },
    { label: "p95", colour: "--p95", values: samples.map((s) => s[4]) },
    { label: "p50", colour: "--p50", values: samples.map((s) => s[3]) },
  ];
  const peak = (values: number[]) => Math.max(0, ...values);
  const shown = step === 1 ? "two minutes" : "hour";
  return (
    <div class="charts">
      <Chart title="Requests per second" at={at} step={step} lines={layers} format={rate} theme={theme} stacked
        summary={`Requests per second in the last ${shown}: at most ${rate(peak(samples.map((s) => s[0] / step)))}, of which refused at most ${rate(peak(per(1)))} and failed at most ${rate(peak(per(2)))}.`} />
      <Chart title="Latency" at={at} step={step} lines={lines} format={ms} theme={theme}
        summary={`Latency in the last ${shown}: p50 at most ${ms(peak(lines[2]!.values))}, p95 at most ${ms(peak(lines[1]!.values))}, p99 at most ${ms(peak(lines[0]!.values))}.`} />
    </div>
  );
}
