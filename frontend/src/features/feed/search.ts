/** The words of the search box as conditions of the filter: `message ~ "link down"`. */
import { conditions, readCondition, withCondition } from "../filter/terms";

const OPERATORS = ["~"];

/** Several fields are searched as one: `(title ~ "x" OR detail ~ "x")`. */
function either(fields: readonly string[], text: string): string {
  const each = fields.map((field) => `${field} ~ ${JSON.stringify(text)}`);
  return each.length === 1 ? (each[0] ?? "") : `(${each.join(" OR ")})`;
}

function textOf(condition: string, fields: readonly string[]): string | null {
  if (fields.length === 1) {
    const found = readCondition(condition);
    return found?.field === fields[0] && found?.operator === "~" ? (found?.values[0] ?? null) : null;
  }
  const first = /^\((.*?) OR /.exec(condition)?.[1];
  const text = first ? textOf(first, fields.slice(0, 1)) : null;
  return text !== null && either(fields, text) === condition ? text : null;
}

export function searchOf(filter: string, fields: readonly string[]): string {
  return (conditions(filter) ?? []).map((one) => textOf(one, fields)).find((text) => text !== null) ?? "";
}

export function withSearch(filter: string, fields: readonly string[], text: string): string {
  const wanted = text.trim() ? either(fields, text.trim()) : "";
  if (fields.length === 1) return withCondition(filter, fields[0] ?? "", OPERATORS, wanted);
  const all = conditions(filter);
  if (all === null) return wanted ? `${wanted} AND (${filter.trim()})` : filter;
  const others = all.filter((one) => textOf(one, fields) === null);
  return [...others, wanted].filter(Boolean).join(" AND ");
}
