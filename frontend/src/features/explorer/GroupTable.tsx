import { ActionIcon, Tooltip } from "@mantine/core";
import { useMemo } from "react";
import { Link } from "wouter";
import type { Measure, ViewResult } from "../../api/types";
import { cssColor } from "../../charts/theme";
import { pageOf } from "../../lib/links";
import { change, format } from "../../lib/units";
import { DataTable, type Column } from "../../ui/DataTable";
import { Icon } from "../../ui/Icon";
import { Sparkline } from "../../ui/Sparkline";
import type { Group } from "./groups";
import css from "./GroupTable.module.css";

interface GroupTableProps {
  result: ViewResult;
  groups: readonly Group[];
  measures: readonly Measure[];
  /** Whether the values of groups add up. */
  stacks: boolean;
  compared: boolean;
  /** Names of the numbers, where they stand for states. */
  states?: Record<string, string> | null;
  hovered: string | null;
  onHover: (group: string | null) => void;
  onFilter: (group: Group, exclude: boolean) => void;
}

function Share({ value }: { value: number | null }) {
  if (value === null) return <>–</>;
  return (
    <span className={css.share}>
      <i><b style={{ width: `${Math.min(100, value * 100)}%` }} /></i>
      {(value * 100).toFixed(1)} %
    </span>
  );
}

function FilterActions({ group, onFilter }: { group: Group; onFilter: GroupTableProps["onFilter"] }) {
  if (group.other || group.parts.length === 0) return null;
  return (
    <span className={css.actions}>
      <Tooltip label="Only this">
        <ActionIcon size={22} aria-label={`Filter: only ${group.label}`} onClick={(event) => { event.stopPropagation(); onFilter(group, false); }}><Icon name="plus" size={13} /></ActionIcon>
      </Tooltip>
      <Tooltip label="Without this">
        <ActionIcon size={22} aria-label={`Filter: without ${group.label}`} onClick={(event) => { event.stopPropagation(); onFilter(group, true); }}><Icon name="minus" size={13} /></ActionIcon>
      </Tooltip>
    </span>
  );
}

/** Whether more is better or worse is not ours to say: a change has no status colour, only a direction. */
function Change({ now, before }: { now: number | null; before: number | null }) {
  return <span className="muted" title={`Before: ${format(before, "")}`}>{change(now, before)}</span>;
}

/** A device or interface leads to its page; the row still filters. */
function Name({ column, label }: { column: string; label: string }) {
  const page = pageOf(column, label);
  return page ? <Link className="cell-link" href={page} title={`${label}: open its page`} onClick={(event) => event.stopPropagation()}>{label}</Link> : <span title={label}>{label}</span>;
}

function nameColumns(result: ViewResult): Column<Group>[] {
  const dimensions = result.columns.filter((column) => column.kind !== "measure");
  if (dimensions.length === 0) {
    return [{ key: "label", title: "Group", render: (group) => <><i className={css.swatch} style={{ background: cssColor(group.slot) }} />{group.label || "Total"}</> }];
  }
  return dimensions.map((column, place): Column<Group> => ({
    key: column.name,
    title: column.title,
    mono: column.kind === "address",
    sort: (group) => group.cells[place] ?? "",
    render: (group) => (
      <>
        {place === 0 && <i className={css.swatch} style={{ background: cssColor(group.slot) }} />}
        <Name column={column.name} label={group.cells[place] ?? ""} />
      </>
    ),
  }));
}

function valueColumns({ result, measures, stacks, compared, states }: Pick<GroupTableProps, "result" | "measures" | "stacks" | "compared" | "states">): Column<Group>[] {
  const { unit } = result;
  const figure = (key: string, title: string, read: (group: Group) => number | null, hint?: string): Column<Group> => ({
    key, title, numeric: true, hint, sort: read, render: (group) => states?.[String(read(group))] ?? format(read(group), unit),
  });
  const lead = result.columns.find((column) => column.kind === "measure");
  const whole = unit.endsWith("/s") ? "Average" : (measures.find((one) => one.name === lead?.name)?.title ?? "Value");
  const columns: Column<Group>[] = [
    { key: "spark", title: "Course", width: "110px", render: (group) => <Sparkline values={group.values} color={cssColor(group.slot)} /> },
    figure("last", "Current", (group) => group.last, "The newest bucket"),
    figure("average", whole, (group) => group.average, "Over the whole range, exact"),
    figure("max", "Max", (group) => group.max, "The highest bucket"),
    figure("p95", "95th", (group) => group.p95, "95th percentile of the buckets drawn; for billing choose the measure 95th percentile"),
  ];
  if (stacks) columns.push({ key: "share", title: "Share", numeric: true, hint: "Of everything that matched", sort: (group) => group.share, render: (group) => <Share value={group.share} /> });
  if (compared) {
    columns.push(figure("previous", "Before", (group) => group.previous, "Average of the period compared to"));
    columns.push({
      key: "change", title: "Change", numeric: true, render: (group) => <Change now={group.average} before={group.previous} />,
      sort: (group) => (group.average !== null && group.previous ? group.average / group.previous : null),
    });
  }
  const others = result.columns.filter((column) => column.kind === "measure" && !column.name.endsWith("_previous")).slice(1);
  for (const [index, column] of others.entries()) {
    columns.push({
      key: column.name, title: measures.find((one) => one.name === column.name)?.title ?? column.title, numeric: true,
      sort: (group) => group.measures[index + 1] ?? null, render: (group) => format(group.measures[index + 1], column.unit),
    });
  }
  return columns;
}

export function GroupTable(props: GroupTableProps) {
  const { groups, hovered, onHover, onFilter } = props;
  const { result, measures, stacks, compared, states } = props;
  const columns = useMemo(
    () => [
      ...nameColumns(result), ...valueColumns({ result, measures, stacks, compared, states }),
      { key: "filter", title: <span className="visually-hidden">Filter</span>, width: "64px", render: (group: Group) => <FilterActions group={group} onFilter={onFilter} /> },
    ],
    [result, measures, stacks, compared, states, onFilter],
  );
  return (
    <DataTable
      columns={columns} rows={groups} rowKey={(group) => group.id} caption="Groups by size. Enter on a row filters by it." marked={hovered}
      onHover={(group) => onHover(group?.id ?? null)} pinned={(group) => group.other}
      onPick={(group) => { if (!group.other && group.parts.length > 0) onFilter(group, false); }}
    />
  );
}
