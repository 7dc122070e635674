// JSON Schema as people read it, and an example made of it.

export type Schema = {
  $ref?: string; type?: string | string[]; properties?: Record<string, Schema>; required?: string[]; items?: Schema; enum?: unknown[]; const?: unknown;
  description?: string; title?: string; format?: string; pattern?: string; minimum?: number; maximum?: number; exclusiveMinimum?: number; minLength?: number; maxLength?: number;
  minItems?: number; maxItems?: number; default?: unknown; example?: unknown; examples?: unknown[]; oneOf?: Schema[]; anyOf?: Schema[]; allOf?: Schema[];
  additionalProperties?: boolean | Schema; $defs?: Record<string, Schema>;
} | boolean;

export interface Document { components?: Record<string, Record<string, unknown>>; [other: string]: unknown }

// resolve follows a reference within the document, as far as there is something.
export function resolve<T>(doc: Document, what: T): T {
  let one: unknown = what;
  for (let i = 0; i < 16; i++) {
    const ref = (one as { $ref?: unknown } | undefined)?.$ref;
    if (typeof ref !== "string" || !ref.startsWith("#/")) break;
    let at: unknown = doc;
    for (const part of ref.slice(2).split("/")) at = (at as Record<string, unknown> | undefined)?.[decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~")];
    one = at;
  }
  return one as T;
}

// example makes a value that a schema is about.
export function example(doc: Document, schema: Schema | undefined, depth = 0): unknown {
  const s = resolve(doc, schema);
  if (s === undefined || typeof s === "boolean" || depth > 8) return null;
  if (s.example !== undefined) return s.example;
  if (s.examples?.length) return s.examples[0];
  if (s.default !== undefined) return s.default;
  if (s.const !== undefined) return s.const;
  if (s.enum?.length) return s.enum[0];
  const of = s.oneOf?.[0] ?? s.anyOf?.[0];
  if (of) return example(doc, of, depth + 1);
  if (s.allOf) return Object.assign({}, ...s.allOf.map((a) => example(doc, a, depth + 1)));
  const type = Array.isArray(s.type) ? s.type[0] : s.type ?? (s.properties ? "object" : undefined);
  switch (type) {
    case "object": return Object.fromEntries(Object.entries(s.properties ?? {}).map(([k, v]) => [k, example(doc, v, depth + 1)]));
    case "array": return [example(doc, s.items, depth + 1)];
    case "integer": case "number": return Math.max(s.minimum ?? 1, (s.exclusiveMinimum ?? 0) + 1);
    case "boolean": return true;
    case "string":
      if (s.format === "email") return "ada@example.org";
      if (s.format === "date-time") return "2026-11-01T12:00:00Z";
      if (s.format === "date") return "2026-11-01";
      if (s.format === "uuid") return "0b1f6c1e-3f8e-4c58-9f0f-0d2b6f2b7a10";
      if (s.format === "uri") return "https://example.org/";
      return "text".padEnd(s.minLength ?? 0, "x").slice(0, s.maxLength ?? 99);
  }
  return null;
}

const bounds = (s: Exclude<Schema, boolean>): string => [
  s.format, s.pattern && `matches ${s.pattern}`, s.enum && `one of ${s.enum.map((v) => JSON.stringify(v)).join(", ")}`, s.const !== undefined && `is ${JSON.stringify(s.const)}`,
  s.minimum !== undefined && `≥ ${s.minimum}`, s.exclusiveMinimum !== undefined && `> ${s.exclusiveMinimum}`, s.maximum !== undefined && `≤ ${s.maximum}`,
  s.minLength !== undefined && `${s.minLength} or more characters`, s.maxLength !== undefined && `at most ${s.maxLength} characters`,
  s.minItems !== undefined && `${s.minItems} or more`, s.maxItems !== undefined && `at most ${s.maxItems}`, s.default !== undefined && `default ${JSON.stringify(s.default)}`,
].filter(Boolean).join(", ");

export const typeOf = (doc: Document, schema: Schema | undefined): string => {
  const s = resolve(doc, schema);
  if (s === undefined || s === true) return "anything";
  if (s === false) return "nothing";
  const many = s.oneOf ?? s.anyOf;
  if (many) return many.map((m) => typeOf(doc, m)).join(" or ");
  const type = Array.isArray(s.type) ? s.type.join(" or ") : s.type ?? (s.properties ? "object" : s.enum || s.const !== undefined ? "value" : "anything");
  return type === "array" ? `list of ${typeOf(doc, s.items)}` : type;
};

// Fields shows the members of an object, those within others indented.
export function Fields({ doc, schema, depth = 0 }: { doc: Document; schema: Schema | undefined; depth?: number }) {
  let s = resolve(doc, schema);
  while (s && typeof s === "object" && s.items && !s.properties) s = resolve(doc, s.items);
  if (!s || typeof s === "boolean" || depth > 6) return null;
  const merged = s.allOf ? Object.assign({}, ...[s, ...s.allOf.map((a) => resolve(doc, a))].map((a) => (typeof a === "object" ? a.properties : {}))) as Record<string, Schema> : s.properties;
  if (!merged) return depth === 0 ? <p class="note">{typeOf(doc, s)} {bounds(s)}</p> : null;
  return (
    <ul class="fields">{Object.entries(merged).map(([name, of]) => {
      const one = resolve(doc, of);
      return (
        <li key={name}><code>{name}</code> <span class="type">{typeOf(doc, of)}</span>{s.required?.includes(name) ? <span class="must"> required</span> : null}
          {typeof one === "object" && <span class="note"> {bounds(one)}{one.description && ` ${one.description}`}</span>}
          <Fields doc={doc} schema={of} depth={depth + 1} /></li>
      );
    })}</ul>
  );
}
