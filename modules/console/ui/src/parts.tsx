// Small pieces that all views are made of.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Key } from "./data";

export const nameOf = (k: { api?: string; version?: string }) => (k.api ? (k.version ? `${k.api} ${k.version}` : k.api) : "no API");
export const sameKey = (a: Key, b: Key) => a.api === b.api && (a.version ?? "") === (b.version ?? "");

export function Badge({ kind, children }: { kind: string; children: ComponentChildren }) {
  return <span class={`badge ${kind}`}>{children}</span>;
}

export function Status({ code }: { code: number }) {
  return <span class={`code ${code >= 500 ? "bad" : code >= 400 ? "no" : "ok"}`}>{code || "–"}</span>;
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

export function Failed({ error, again }: { error?: string; again?: () => void }) {
  if (!error) return null;
  return <p class="failed" role="alert">{error}{again && <button type="button" onClick={again}>Try again</button>}</p>;
}

export function Loading({ value, error }: { value?: unknown; error?: string }) {
  return value === undefined && !error ? <p class="empty" role="status">Loading…</p> : null;
}

// Title is a view's heading, at which whoever comes to it by the keyboard begins.
export function Title({ children, aside }: { children: ComponentChildren; aside?: ComponentChildren }) {
  const to = useRef<HTMLHeadingElement>(null);
  useEffect(() => { if (document.body.dataset.moved) to.current?.focus({ preventScroll: true }); }, []);
  return <div class="title"><h1 tabIndex={-1} ref={to}>{children}</h1>{aside && <div class="aside">{aside}</div>}</div>;
}

export function Card({ title, aside, children, class: kind }: { title?: ComponentChildren; aside?: ComponentChildren; children: ComponentChildren; class?: string }) {
  return <section class={`card ${kind ?? ""}`}>{title && <header><h2>{title}</h2>{aside}</header>}{children}</section>;
}

export interface Column<T> { head: string; cell: (row: T) => ComponentChildren; number?: boolean; wide?: boolean }

// Table is a table that on a narrow page has a block for each row.
export function Table<T>({ caption, columns, rows, keyOf }: { caption: string; columns: Column<T>[]; rows: T[]; keyOf: (row: T) => string }) {
  return (
    <table class="table" role="table">
      <caption class="hidden">{caption}</caption>
      <thead role="rowgroup"><tr role="row">{columns.map((c) => <th key={c.head} role="columnheader" scope="col" class={c.number ? "number" : ""}>{c.head}</th>)}</tr></thead>
      <tbody role="rowgroup">{rows.map((row) => (
        <tr key={keyOf(row)} role="row">{columns.map((c) => <td key={c.head} role="cell" data-head={c.head} class={`${c.number ? "number" : ""} ${c.wide ? "wide" : ""}`}>{c.cell(row)}</td>)}</tr>
      ))}</tbody>
    </table>
  );
}

// Prose shows a text with paragraphs and lists, as descriptions have them.
export function Prose({ text }: { text: string }) {
  return (
    <div class="prose">{text.split(/\n{2,}/).map((block, i) => {
      const lines = block.split("\n");
      return lines.every((l) => l.startsWith("- ")) ? <ul key={i}>{lines.map((l) => <li key={l}>{l.slice(2)}</li>)}</ul> : <p key={i}>{block}</p>;
    })}</div>
  );
}

// Choice is a few alternatives, one of which is chosen.
export function Choice<T extends string>({ label, all, value, choose }: { label: string; all: [T, string][]; value: T; choose: (v: T) => void }) {
  return <div class="choice" role="group" aria-label={label}>{all.map(([v, text]) => <button type="button" key={v} aria-pressed={v === value} onClick={() => choose(v)}>{text}</button>)}</div>;
}

// useNow is the time, again each so many seconds.
export function useNow(every = 5): number {
  const [now, set] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => set(Date.now()), every * 1000);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}
