/**
 * Reading and replacing single conditions of a filter, for controls beside the filter bar: a list of metrics, a search
 * box. Only conditions that stand alone between top-level ANDs are understood; anything else is left as it is.
 */
import { tokenize, type Token } from "./highlight";

const meaningful = (tokens: readonly Token[]): Token[] => tokens.filter((token) => token.kind !== "space");
const isWord = (token: Token, word: string): boolean => token.kind === "keyword" && token.text.toLowerCase() === word;

/** The conditions between top-level ANDs, as written; null where a top-level OR makes them mean something else. */
export function conditions(filter: string): string[] | null {
  const out: string[] = [];
  let depth = 0;
  let from = 0;
  const cut = (to: number): void => {
    const text = filter.slice(from, to).trim();
    if (text) out.push(text);
  };
  for (const token of tokenize(filter)) {
    if (token.text === "(") depth += 1;
    if (token.text === ")") depth -= 1;
    if (depth !== 0) continue;
    if (isWord(token, "or")) return null;
    if (isWord(token, "and")) {
      cut(token.at);
      from = token.at + token.text.length;
    }
  }
  cut(filter.length);
  return out;
}

/** The text of a string or bare value. */
export function unquoted(text: string): string {
  if (text.startsWith('"')) {
    try {
      return JSON.parse(text) as string;
    } catch {
      return text.slice(1, text.endsWith('"') && text.length > 1 ? -1 : undefined);
    }
  }
  if (text.startsWith("'")) return text.slice(1, text.endsWith("'") && text.length > 1 ? -1 : undefined).replaceAll(/\\(.)/g, "$1");
  return text;
}

export interface Condition {
  field: string;
  /** Upper case, words joined by one space: `=`, `~`, `IN`, `NOT IN`. */
  operator: string;
  values: string[];
}

const fold = (name: string): string => name.toLowerCase().replaceAll(/[_.]/g, "");

/** A single comparison; null for anything more involved. */
export function readCondition(text: string): Condition | null {
  const [field, ...rest] = meaningful(tokenize(text));
  if (field?.kind !== "field") return null;
  const operator: string[] = [];
  while (rest[0] && (rest[0].kind === "operator" || rest[0].kind === "keyword")) operator.push((rest.shift() as Token).text.toUpperCase());
  if (operator.length === 0 || rest.length === 0) return null;
  if (rest.some((token) => token.kind === "keyword" || token.kind === "operator")) return null;
  const values = rest.filter((token) => token.kind === "value" || token.kind === "string").map((token) => unquoted(token.text));
  return { field: field.text, operator: operator.join(" "), values };
}

const isOf = (found: Condition | null, field: string, operators: readonly string[]): boolean =>
  found !== null && fold(found.field) === fold(field) && operators.includes(found.operator);

/** Values of the condition on `field` with one of `operators`; null where there is none that stands alone. */
export function valuesOf(filter: string, field: string, operators: readonly string[]): string[] | null {
  const all = conditions(filter) ?? [];
  return all.map(readCondition).find((found) => isOf(found, field, operators))?.values ?? null;
}

/** The filter with its condition on `field` replaced by `condition` ("" takes it away); added at the end where there was none. */
export function withCondition(filter: string, field: string, operators: readonly string[], condition: string): string {
  const all = conditions(filter);
  if (all === null) return condition ? `${condition} AND (${filter.trim()})` : filter;
  const at = all.findIndex((text) => isOf(readCondition(text), field, operators));
  const next = at < 0 ? [...all, condition] : all.map((text, index) => (index === at ? condition : text));
  return next.filter(Boolean).join(" AND ");
}

/** `field = "a"`, or `field IN ("a", "b")`; nothing for no value. */
export function oneOf(field: string, values: readonly string[]): string {
  if (values.length === 0) return "";
  const written = values.map((value) => (/^[A-Za-z_][\w.:]*$/.test(value) ? value : JSON.stringify(value)));
  return written.length === 1 ? `${field} = ${written[0]}` : `${field} IN (${written.join(", ")})`;
}
