/** Turning clicks into filter text. */
import { tokenize } from "./highlight";

export interface Part {
  field: string;
  value: string;
}

const quoted = (value: string): string => JSON.stringify(value);

/** `src_as = "AS15169" AND app = "https"`; excluded: `NOT (…)`, or `!=` for a single part. */
export function clause(parts: readonly Part[], exclude = false): string {
  const [first] = parts;
  if (parts.length === 1 && first) return `${first.field} ${exclude ? "!=" : "="} ${quoted(first.value)}`;
  const all = parts.map((part) => `${part.field} = ${quoted(part.value)}`).join(" AND ");
  return exclude ? `NOT (${all})` : all;
}

/** Whether an OR stands outside all parentheses, so that an AND after it would bind differently. */
function hasTopLevelOr(filter: string): boolean {
  let depth = 0;
  for (const token of tokenize(filter)) {
    if (token.text === "(") depth += 1;
    if (token.text === ")") depth -= 1;
    if (depth === 0 && token.kind === "keyword" && token.text.toLowerCase() === "or") return true;
  }
  return false;
}

/** The filter with one more condition; unchanged if it says so already. */
export function narrowed(filter: string, addition: string): string {
  const old = filter.trim();
  if (!old) return addition;
  if (old === addition || old.includes(addition)) return old;
  return `${hasTopLevelOr(old) ? `(${old})` : old} AND ${addition}`;
}
