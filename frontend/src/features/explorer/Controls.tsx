import { Menu, Popover, SegmentedControl, Switch, Tooltip } from "@mantine/core";
import { useState } from "react";
import type { Dataset, Measure, Rank } from "../../api/types";
import { duration, unitName } from "../../lib/units";
import { Icon, type IconName } from "../../ui/Icon";
import css from "./controls.module.css";
import { usualState, type ChartKind, type ExplorerState } from "./state";

interface ControlProps {
  state: ExplorerState;
  update: (patch: Partial<ExplorerState>) => void;
}

const KINDS: readonly [kind: ChartKind, label: string, icon: IconName][] = [
  ["stacked", "Stacked area", "stacked"], ["lines", "Lines", "lines"], ["bars", "Bars", "bars"], ["sankey", "Sankey", "sankey"],
  ["heatmap", "Heat map", "heatmap"], ["table", "Table", "table"], ["records", "Raw records", "records"],
];

/** Which view of the query a chart asks for. */
const VIEW: Partial<Record<ChartKind, string>> = { sankey: "sankey", records: "records", table: "table" };

/** Two dimensions that a Sankey of flows begins with; others take the first that can be grouped by. */
function pair(state: ExplorerState, dataset: Dataset | undefined): string[] {
  const usual = state.dataset === "flows" ? ["dst_as", "src_as"] : (dataset?.dimensions.filter((one) => one.groupable).map((one) => one.name) ?? []);
  const second = usual.find((name) => !state.by.includes(name));
  return second ? [...state.by, second].slice(-2) : state.by;
}

export function ChartSwitch({ state, update, dataset }: ControlProps & { dataset: Dataset | undefined }) {
  const choose = (chart: ChartKind): void => update({ chart, ...(chart === "sankey" && state.by.length < 2 ? { by: pair(state, dataset) } : {}) });
  const views = dataset?.views ?? [];
  return (
    <div className={css.kinds} role="group" aria-label="Chart">
      {KINDS.filter(([kind]) => views.length === 0 || views.includes(VIEW[kind] ?? "series")).map(([kind, label, icon]) => {
        const name = kind === "records" && state.dataset !== "flows" ? `${dataset?.title ?? "Records"} as they came` : label;
        return (
          <Tooltip key={kind} label={name}>
            <button type="button" aria-label={name} aria-pressed={state.chart === kind} onClick={() => choose(kind)}><Icon name={icon} size={17} /></button>
          </Tooltip>
        );
      })}
    </div>
  );
}

interface MeasurePickerProps extends ControlProps {
  measures: readonly Measure[];
  /** What the answer measures first, where the state leaves it to the server. */
  used: string | undefined;
}

export function MeasurePicker({ state, update, measures, used }: MeasurePickerProps) {
  const [open, setOpen] = useState(false);
  const chosen = state.measures;
  const lead = chosen[0] ?? used;
  const automatic = usualState(state.dataset).measures.length === 0;
  const title = measures.find((one) => one.name === lead)?.title ?? lead ?? "Automatic";
  const take = (name: string): void => update({ measures: [name, ...chosen.slice(1).filter((one) => one !== name)] });
  const toggle = (name: string): void =>
    update({ measures: chosen.includes(name) ? chosen.filter((one) => one !== name) : [...(lead && chosen.length === 0 ? [lead] : chosen), name].slice(0, 8) });
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-start" trapFocus returnFocus>
      <Popover.Target>
        <button type="button" className={css.control} onClick={() => setOpen(!open)} aria-haspopup="dialog" aria-expanded={open}>
          <small>Measure</small>{title}{chosen.length > 1 && <em>+{chosen.length - 1}</em>}{chosen.length === 0 && <em>auto</em>}<Icon name="down" size={12} />
        </button>
      </Popover.Target>
      <Popover.Dropdown p="xs" aria-label="Choose measures">
        <div className={css.measures} role="group" aria-label="Measures">
          {automatic && (
            <div>
              <button type="button" aria-pressed={chosen.length === 0} title="What suits the dataset and what the filter names" onClick={() => update({ measures: [] })}>
                <span>Automatic</span><small>what suits</small>
              </button>
            </div>
          )}
          {measures.map((one) => (
            <div key={one.name}>
              <button type="button" aria-pressed={chosen[0] === one.name} title={one.meaning} onClick={() => take(one.name)}>
                <span>{one.title}</span><small>{one.follows_metric ? "of the metric" : unitName(one.unit)}</small>
              </button>
              <Tooltip label={lead === one.name ? "Drawn and ranked by" : chosen.includes(one.name) ? "Remove the column" : "Add as a column"}>
                <button
                  type="button" className={css.column} disabled={lead === one.name} aria-pressed={chosen.includes(one.name)}
                  aria-label={`Column ${one.title}`} onClick={() => toggle(one.name)}
                >
                  <Icon name={chosen.includes(one.name) ? "check" : "plus"} size={13} />
                </button>
              </Tooltip>
            </div>
          ))}
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}

const TOPS = [5, 10, 14, 25, 50];
const RANKS: { value: Rank; label: string }[] = [{ value: "average", label: "Average" }, { value: "max", label: "Maximum" }, { value: "last", label: "Last" }];

export function TopPicker({ state, update }: ControlProps) {
  const [open, setOpen] = useState(false);
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-start" trapFocus returnFocus>
      <Popover.Target>
        <button type="button" className={css.control} onClick={() => setOpen(!open)} aria-haspopup="dialog" aria-expanded={open}>
          <small>Top</small>{state.top}{state.rank !== "average" && <em>by {state.rank}</em>}<Icon name="down" size={12} />
        </button>
      </Popover.Target>
      <Popover.Dropdown p="sm" aria-label="How many groups">
        <div className={css.top}>
          <span id="top-count">Groups</span>
          <SegmentedControl size="xs" aria-labelledby="top-count" value={String(state.top)} onChange={(value) => update({ top: Number(value) })} data={[...new Set([...TOPS, state.top])].toSorted((one, other) => one - other).map(String)} />
          <span id="top-rank">Rank by</span>
          <SegmentedControl size="xs" aria-labelledby="top-rank" value={state.rank} onChange={(value) => update({ rank: RANKS.find((one) => one.value === value)?.value ?? "average" })} data={RANKS} />
          <span id="top-other">The rest</span>
          <Switch size="sm" label="Show as Other" checked={state.other} onChange={(event) => update({ other: event.currentTarget.checked })} />
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}

const COMPARISONS: readonly [value: string, label: string][] = [
  ["", "Nothing"], ["previous", "Previous period"], ["1d", "Day before"], ["7d", "Week before"],
];

export function ComparePicker({ state, update }: ControlProps) {
  const chosen = COMPARISONS.find(([value]) => value === state.compare)?.[1] ?? `${state.compare} before`;
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        <button type="button" className={css.control} data-on={state.compare ? true : undefined}>
          <small>Compare</small>{chosen}<Icon name="down" size={12} />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {COMPARISONS.map(([value, label]) => (
          <Menu.Item key={value} onClick={() => update({ compare: value })} rightSection={value === state.compare ? <Icon name="check" /> : null}>{label}</Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

const STEPS = [0, 10, 60, 300, 900, 3600, 86_400];

export function StepPicker({ state, update, used }: ControlProps & { used: number | null }) {
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        <button type="button" className={css.control}>
          <small>Every</small>{state.every ? duration(state.every) : used ? duration(used) : "auto"}<Icon name="down" size={12} />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {STEPS.map((step) => (
          <Menu.Item key={step} onClick={() => update({ every: step })} rightSection={step === state.every ? <Icon name="check" /> : null}>
            {step === 0 ? "Automatic" : duration(step)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
