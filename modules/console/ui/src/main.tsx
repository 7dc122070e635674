// The console's page: what stands around its views.
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Callers } from "./callers";
import { useData, type APIs, type Callers as CallersSaid, type Ending, type Nears } from "./data";
import { Docs } from "./docs";
import { Refused } from "./refused";
import { concerns, State, type StatusSaid } from "./state";
import { Traffic } from "./traffic";
import { Versions } from "./versions";
import { Webhooks } from "./webhooks";
import "./style.css";

const views = [["traffic", "Traffic"], ["versions", "Versions"], ["callers", "Callers"], ["refused", "Refused"], ["state", "In force"], ["webhooks", "Webhooks"], ["apis", "APIs"]] as const;
type View = (typeof views)[number][0];

// The address has the view behind the #, and what is chosen in it.
function parse(): [View, string | undefined] {
  const [view, ...rest] = location.hash.replace(/^#\/?/, "").split("/");
  const known = views.find(([v]) => v === view)?.[0] ?? "traffic";
  return [known, rest.length ? rest.join("/") : undefined];
}

type Theme = "auto" | "light" | "dark";
const themes: Theme[] = ["auto", "light", "dark"];

function stored(): Theme {
  try {
    return themes.find((t) => t === localStorage.getItem("console-theme")) ?? "auto";
  } catch {
    return "auto";
  }
}

function useTheme(): [Theme, string, () => void] {
  const [theme, set] = useState<Theme>(stored);
  const [dark, setDark] = useState(matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => {
    const media = matchMedia("(prefers-color-scheme: dark)");
    const change = () => setDark(media.matches);
    media.addEventListener("change", change);
    return () => media.removeEventListener("change", change);
  }, []);
  const now = theme === "auto" ? (dark ? "dark" : "light") : theme;
  document.documentElement.dataset.theme = now;
  return [theme, now, () => {
    const next = themes[(themes.indexOf(theme) + 1) % themes.length]!;
    try { localStorage.setItem("console-theme", next); } catch { /* it is not remembered */ }
    set(next);
  }];
}

function Page() {
  const [[view, at], setPlace] = useState(parse);
  const [theme, now, turn] = useTheme();
  const apis = useData<APIs>("apis", 60);
  const status = useData<StatusSaid>("status", 10);
  const near = useData<Nears>("quotas", 5);
  const ending = useData<Ending[]>("ending", 300);
  const callers = useData<CallersSaid>(view === "versions" ? "callers?since=14d" : undefined, 60);
  useEffect(() => {
    const change = () => {
      document.body.dataset.moved = "1";
      setPlace(parse());
      scrollTo(0, 0);
    };
    const key = (e: KeyboardEvent) => {
      const typing = e.target instanceof HTMLElement && e.target.closest("input, textarea, select");
      const to = views[Number(e.key) - 1];
      if (!typing && to && !e.ctrlKey && !e.metaKey && !e.altKey) location.hash = "/" + to[0];
    };
    addEventListener("hashchange", change);
    addEventListener("keydown", key);
    return () => { removeEventListener("hashchange", change); removeEventListener("keydown", key); };
  }, []);
  useEffect(() => { document.title = `${views.find(([v]) => v === view)![1]} · Gateway console`; }, [view]);
  const go = (to?: string) => { history.replaceState(null, "", `#/${view}${to ? "/" + to : ""}`); setPlace([view, to]); };
  const all = concerns(status.value, near.value, ending.value);
  return (
    <>
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.querySelector<HTMLElement>("main h1")?.focus(); }}>Skip to the view</a>
      <header class="top">
        <a class="brand" href="#/traffic"><img src="icon.svg" alt="" width="22" height="22" />Gateway</a>
        <nav aria-label="Views"><ul>{views.map(([v, name], i) => <li key={v}><a href={`#/${v}`} aria-current={v === view ? "page" : undefined} title={`Key ${i + 1}`}>{name}</a></li>)}</ul></nav>
        <div class="lamps">
          {status.error ? <span class="lamp bad">no answer</span> : <a class={`lamp ${all.some((c) => c.kind === "bad") ? "bad" : all.length ? "no" : "ok"}`} href="#/state">{all.length === 0 ? "all is well" : all.length === 1 ? "1 thing to see" : `${all.length} things to see`}</a>}
          <button type="button" class="theme" onClick={turn} aria-label={`Colours: ${theme}`} title={`Colours: ${theme}`}>{theme === "auto" ? "◐" : theme === "light" ? "○" : "●"}</button>
        </div>
      </header>
      <main id="main">
        {view !== "state" && all.some((c) => c.kind === "bad") && <ul class="concerns">{all.filter((c) => c.kind === "bad").map((c) => <li key={c.text} class="bad"><a href={`#/${c.to}`}>{c.text}</a></li>)}</ul>}
        {view === "traffic" && <Traffic apis={apis.value} theme={now} />}
        {view === "versions" && <Versions apis={apis} callers={callers.value} />}
        {view === "callers" && <Callers apis={apis.value} />}
        {view === "refused" && <Refused open={at} go={go} />}
        {view === "state" && <State status={status} near={near} ending={ending.value} />}
        {view === "webhooks" && <Webhooks />}
        {view === "apis" && <Docs apis={apis} at={at} go={go} />}
      </main>
    </>
  );
}

render(<Page />, document.getElementById("page")!);
