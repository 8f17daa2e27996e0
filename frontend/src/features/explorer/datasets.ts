/** Going from one dataset to another, and what of a filter goes along. */
import type { Dataset, Query } from "../../api/types";
import { conditions, readCondition } from "../filter/terms";
import { stateOf, usualState, write, type ExplorerState } from "./state";

const fold = (name: string): string => name.toLowerCase().replaceAll(/[_.]/g, "");

/** Whether a filter of the dataset may name the field. */
export const knows = (dataset: Dataset, field: string): boolean =>
  dataset.dimensions.some((one) => one.filterable && [one.name, ...one.aliases].some((name) => fold(name) === fold(field)))
  || dataset.families.some((one) => fold(field).startsWith(fold(one.prefix)));

/** The same words mean something else in another table. */
const OWN = new Set(["source", "kind", "component"]);

/** The conditions of a filter that mean the same in the other dataset: the same device, site or interface. */
export function carried(filter: string, to: Dataset): string {
  return (conditions(filter) ?? [])
    .filter((text) => {
      const found = readCondition(text);
      return found !== null && !OWN.has(fold(found.field)) && knows(to, found.field);
    })
    .join(" AND ");
}

const TIME = ["since", "until", "refresh"] as const;

function address(state: ExplorerState, now: URLSearchParams): string {
  const kept = new URLSearchParams();
  for (const name of TIME) {
    const text = now.get(name);
    if (text) kept.set(name, text);
  }
  const search = write(state, kept).toString();
  return search ? `/explore?${search}` : "/explore";
}

/** Metrics have no view that suits all of them: one begins with the first example. */
const beginning = (to: Dataset): ExplorerState => {
  const example = to.name === "metrics" ? to.examples[0] : undefined;
  return example ? stateOf({ dataset: to.name, ...example.query }) : usualState(to.name);
};

/** Where a dataset's tab leads: its usual view of the same devices. */
export function datasetHref(to: Dataset, from: ExplorerState, now: URLSearchParams): string {
  if (to.name === from.dataset) return address({ ...usualState(to.name), filter: from.filter }, now);
  const start = beginning(to);
  return address({ ...start, filter: [start.filter, carried(from.filter, to)].filter(Boolean).join(" AND ") }, now);
}

/** Where a question can be looked at: its chart in the explorer, over its own time. */
export const hrefOf = (query: Query): string =>
  address(stateOf(query), new URLSearchParams({ ...(query.since ? { since: query.since } : {}), ...(query.until ? { until: query.until } : {}) }));

export interface Preset {
  title: string;
  href: string;
}

/** Questions to begin with, as the catalogue words them. */
export const presets = (dataset: Dataset | undefined, now: URLSearchParams): Preset[] =>
  (dataset?.examples ?? []).map((one) => ({ title: one.title, href: address(stateOf({ dataset: dataset?.name ?? "", ...one.query }), now) }));

/** A filter that could stand in the dataset's filter bar, to show how it is written. */
export function exampleFilter(dataset: Dataset | undefined): string {
  const said = dataset?.examples.map((one) => one.query["filter"]).find((filter): filter is string => typeof filter === "string" && filter !== "");
  const valued = dataset?.dimensions.find((one) => one.filterable && one.values.length > 0);
  return said ?? (valued ? `${valued.name} = ${valued.values[0] ?? ""}` : "");
}
