// An explanation, as caddy gateway explain writes it, in parts.

interface Part { head: string; lines: string[] }

function parts(text: string): Part[] {
  const all: Part[] = [];
  for (const line of text.trimEnd().split("\n")) {
    if (!line.startsWith(" ") && line !== "") all.push({ head: line, lines: [] });
    else all[all.length - 1]?.lines.push(line.replace(/^ {2}/, ""));
  }
  return all;
}

const kindOf = (line: string): string => {
  const t = line.trimStart();
  if (/^\+ /.test(t)) return "plus";
  if (/^- /.test(t)) return "minus";
  if (/(: not met|ends here|no value|refused|broken off)/.test(t)) return "bad";
  if (/: met$/.test(t)) return "ok";
  return "";
};

export function Explained({ text }: { text: string }) {
  return (
    <ol class="explained">{parts(text).map((p, i) => (
      <li key={i} class={/ends here|broken off/.test(p.head) ? "ends" : ""}>
        <h3>{p.head}</h3>
        {p.lines.length > 0 && <div class="lines" tabIndex={0} role="region" aria-label={p.head}>{p.lines.map((l, j) => <code key={j} class={kindOf(l)}>{l + "\n"}</code>)}</div>}
      </li>
    ))}</ol>
  );
}
