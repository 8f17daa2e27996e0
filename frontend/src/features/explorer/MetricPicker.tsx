import { Popover } from "@mantine/core";
import { useMemo, useState } from "react";
import { useView } from "../../api/queries";
import type { MetricName, Query, ViewResult } from "../../api/types";
import { useTime } from "../../app/time";
import { grouped, unitName } from "../../lib/units";
import { Icon } from "../../ui/Icon";
import { oneOf, valuesOf, withCondition } from "../filter/terms";
import css from "./controls.module.css";
import type { ExplorerState } from "./state";

const OPERATORS = ["=", "IN"];

/** The metrics that the filter names, in a condition that stands alone. */
export const metricsOf = (filter: string): string[] => valuesOf(filter, "metric", OPERATORS) ?? [];

/**
 * The state that shows these metrics. Several are kept apart: different things must not be added up. Where nothing was
 * grouped but the metric, what they are of comes in its place.
 */
export function withMetrics(state: ExplorerState, names: readonly string[], meaning: (name: string) => MetricName | undefined): Partial<ExplorerState> {
  const filter = withCondition(state.filter, "metric", OPERATORS, oneOf("metric", names));
  const ofInterface = names.every((name) => meaning(name)?.component === "interface");
  const others = state.by.filter((name) => name !== "metric");
  const by = others.length > 0 ? others : names.length === 0 ? [] : ofInterface ? ["interface"] : ["exporter", "component"];
  return { filter, by: names.length === 1 ? by : [...by, "metric"] };
}

interface Choice {
  name: string;
  unit: string;
  meaning: string;
  component: string;
  series: number;
}

/** What was collected in the range, by what it is of; the vocabulary says what each means. */
export function choices(collected: ViewResult | undefined, vocabulary: readonly MetricName[], text: string): [group: string, members: Choice[]][] {
  const known = new Map(vocabulary.map((one) => [one.name, one]));
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const groups = new Map<string, Choice[]>();
  for (const row of collected?.rows ?? []) {
    const name = String(row[0] ?? "");
    const said = known.get(name);
    const one: Choice = { name, unit: said?.rate_unit || said?.unit || "", meaning: said?.meaning ?? "", component: said ? said.component || "device" : "pushed by others", series: Number(row[1] ?? 0) };
    if (!name || !words.every((word) => `${name} ${one.meaning} ${one.component}`.toLowerCase().includes(word))) continue;
    groups.set(one.component, [...(groups.get(one.component) ?? []), one]);
  }
  return [...groups].toSorted(([one], [other]) => Number(one === "pushed by others") - Number(other === "pushed by others"));
}

interface MetricPickerProps {
  state: ExplorerState;
  update: (patch: Partial<ExplorerState>) => void;
  vocabulary: readonly MetricName[];
}

function List({ state, update, vocabulary }: MetricPickerProps) {
  const { range } = useTime();
  const [text, setText] = useState("");
  const query = useMemo<Query>(() => ({ dataset: "metrics", view: "table", by: ["metric"], measures: ["series"], top: 1000, other: false, since: range.since, until: range.until }), [range]);
  const collected = useView(query);
  const chosen = metricsOf(state.filter);
  const groups = choices(collected.data, vocabulary, text);
  const meaning = (name: string): MetricName | undefined => vocabulary.find((one) => one.name === name);
  const take = (names: readonly string[]): void => update(withMetrics(state, names, meaning));
  const first = groups[0]?.[1][0]?.name;
  return (
    <div className={css.metrics}>
      <div className={css.search}>
        <Icon name="search" />
        <input data-autofocus value={text} placeholder="Search metrics" aria-label="Search metrics" onChange={(event) => setText(event.target.value)} onKeyDown={(event) => { if (event.key === "Enter" && first) take([first]); }} />
      </div>
      <div className={css.metricGroups}>
        {groups.map(([group, members]) => (
          <section key={group} aria-label={group}>
            <h3>{group}</h3>
            {members.map((one) => (
              <div key={one.name}>
                <button type="button" aria-pressed={chosen.includes(one.name)} onClick={() => take([one.name])} title={one.meaning}>
                  <span>{one.name}</span><small>{one.meaning}</small><em>{[unitName(one.unit), `${grouped(one.series)} series`].filter(Boolean).join(", ")}</em>
                </button>
                <button
                  type="button" className={css.column} aria-pressed={chosen.includes(one.name)} aria-label={chosen.includes(one.name) ? `Take ${one.name} away` : `Add ${one.name}`}
                  onClick={() => take(chosen.includes(one.name) ? chosen.filter((name) => name !== one.name) : [...chosen, one.name])}
                >
                  <Icon name={chosen.includes(one.name) ? "check" : "plus"} size={13} />
                </button>
              </div>
            ))}
          </section>
        ))}
        {groups.length === 0 && <p className="faint">{collected.isPending ? "Looking…" : text ? "No metric is called that" : "Nothing was collected in this range"}</p>}
      </div>
    </div>
  );
}

/** Which metrics to look at: what was collected in the range, each with its meaning and unit. */
export function MetricPicker(props: MetricPickerProps) {
  const [open, setOpen] = useState(false);
  const chosen = metricsOf(props.state.filter);
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-start" trapFocus returnFocus>
      <Popover.Target>
        <button type="button" className={css.control} data-on={chosen.length > 0 || undefined} onClick={() => setOpen(!open)} aria-haspopup="dialog" aria-expanded={open}>
          <small>Metric</small>{chosen[0] ?? "choose one"}{chosen.length > 1 && <em>+{chosen.length - 1}</em>}<Icon name="down" size={12} />
        </button>
      </Popover.Target>
      <Popover.Dropdown p={0} aria-label="Choose metrics"><List {...props} /></Popover.Dropdown>
    </Popover>
  );
}
