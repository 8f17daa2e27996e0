import { Menu, Popover, SegmentedControl, Switch, Tooltip } from "@mantine/core";
import { useState } from "react";
import type { Measure, Rank } from "../../api/types";
import { duration, unitName } from "../../lib/units";
import { Icon, type IconName } from "../../ui/Icon";
import css from "./controls.module.css";
import type { ChartKind, ExplorerState } from "./state";

interface ControlProps {
  state: ExplorerState;
  update: (patch: Partial<ExplorerState>) => void;
}

const KINDS: readonly [kind: ChartKind, label: string, icon: IconName][] = [
  ["stacked", "Stacked area", "stacked"], ["lines", "Lines", "lines"], ["bars", "Bars", "bars"], ["sankey", "Sankey", "sankey"],
  ["heatmap", "Heat map", "heatmap"], ["table", "Table", "table"], ["records", "Raw records", "records"],
];

export function ChartSwitch({ state, update }: ControlProps) {
  const choose = (chart: ChartKind): void => {
    const two = chart === "sankey" && state.by.length < 2;
    update({ chart, ...(two ? { by: [...state.by, state.by[0] === "dst_as" ? "src_as" : "dst_as"].slice(-2) } : {}) });
  };
  return (
    <div className={css.kinds} role="group" aria-label="Chart">
      {KINDS.map(([kind, label, icon]) => (
        <Tooltip key={kind} label={label}>
          <button type="button" aria-label={label} aria-pressed={state.chart === kind} onClick={() => choose(kind)}><Icon name={icon} size={17} /></button>
        </Tooltip>
      ))}
    </div>
  );
}

export function MeasurePicker({ state, update, measures }: ControlProps & { measures: readonly Measure[] }) {
  const [open, setOpen] = useState(false);
  const chosen = state.measures;
  const first = measures.find((one) => one.name === chosen[0]);
  const lead = (name: string): void => update({ measures: [name, ...chosen.slice(1).filter((one) => one !== name)] });
  const toggle = (name: string): void =>
    update({ measures: chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name].slice(0, 8) });
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-start" trapFocus returnFocus>
      <Popover.Target>
        <button type="button" className={css.control} onClick={() => setOpen(!open)} aria-haspopup="dialog" aria-expanded={open}>
          <small>Measure</small>{first?.title ?? chosen[0]}{chosen.length > 1 && <em>+{chosen.length - 1}</em>}<Icon name="down" size={12} />
        </button>
      </Popover.Target>
      <Popover.Dropdown p="xs" aria-label="Choose measures">
        <div className={css.measures} role="group" aria-label="Measures">
          {measures.map((one) => (
            <div key={one.name}>
              <button type="button" aria-pressed={chosen[0] === one.name} title={one.meaning} onClick={() => lead(one.name)}>
                <span>{one.title}</span><small>{unitName(one.unit)}</small>
              </button>
              <Tooltip label={chosen[0] === one.name ? "Drawn and ranked by" : chosen.includes(one.name) ? "Remove the column" : "Add as a column"}>
                <button
                  type="button" className={css.column} disabled={chosen[0] === one.name} aria-pressed={chosen.includes(one.name)}
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
