import { SegmentedControl, TextInput } from "@mantine/core";
import { useMemo } from "react";
import { ago } from "../../lib/time";
import { duration, format, plural } from "../../lib/units";
import { rankOf, statusOf, wordOf } from "../../lib/verdict";
import { DataTable, type Column } from "../../ui/DataTable";
import { Icon } from "../../ui/Icon";
import layout from "../../ui/layout.module.css";
import { Panel } from "../../ui/Panel";
import { StatusIcon, StatusPill, type Status } from "../../ui/Status";
import { kindOf } from "./kinds";
import { matching, type SourceRow } from "./rows";
import css from "./sources.module.css";

const WORDS: Record<string, string> = {
  ok: "Ok", starting: "Starting", degraded: "Errors", silent: "Silent", failing: "Failing", off: "Off",
};

export const stateWord = (state: string): string => WORDS[state] ?? state;
export const stateStatus = (row: { state: string; status: SourceRow["status"] }): Status =>
  row.state === "ok" || row.state === "starting" || row.state === "off" ? (row.state === "ok" ? "good" : "idle") : statusOf(row.status);

const none = <span className="faint">–</span>;
const zero = <span className="faint">0</span>;

export function skewText(seconds: number | null): string {
  if (seconds === null) return "–";
  if (Math.abs(seconds) < 1) return "< 1 s";
  return `${duration(Math.abs(seconds))} ${seconds > 0 ? "ahead" : "behind"}`;
}

function columnsAt(now: number, mixed: boolean): Column<SourceRow>[] {
  const kind: Column<SourceRow> = { key: "kind", title: "Kind", sort: (row) => kindOf(row.kind).title, render: (row) => kindOf(row.kind).title };
  return [
    {
      key: "name", title: "Source", sort: (row) => `${3 - rankOf(row.status)} ${row.name}`,
      render: (row) => (
        <span className={css.name}>
          <StatusIcon status={statusOf(row.status)} /><span className="visually-hidden">{wordOf(row.status)}</span>
          <span><b>{row.name}</b><small data-finding={row.finding ? true : undefined} title={[row.target, row.finding].filter(Boolean).join(": ")}>{row.finding || row.target}</small></span>
        </span>
      ),
    },
    ...(mixed ? [kind] : []),
    { key: "state", title: "State", sort: (row) => row.state, render: (row) => <StatusPill status={stateStatus(row)}>{stateWord(row.state)}</StatusPill> },
    { key: "rate", title: "Rows/s", numeric: true, hint: "Over the last minute", sort: (row) => row.perSecond, render: (row) => format(row.perSecond, "") },
    { key: "seen", title: "Last seen", numeric: true, sort: (row) => row.lastSeen, render: (row) => (row.lastSeen === null ? <span className="faint">never</span> : ago(row.lastSeen, now)) },
    { key: "lag", title: "Lag", numeric: true, hint: "From the stamp of the newest value to its arrival", sort: (row) => row.lag, render: (row) => (row.lag === null || row.lastSeen === null ? none : duration(row.lag)) },
    {
      key: "coverage", title: "Came", numeric: true, hint: "Share of what was expected in the last hour; of flow exporters, of what they sent", sort: (row) => row.coverage,
      render: (row) => (row.coverage === null ? none : format(Math.floor(row.coverage * 1000) / 10, "%")),
    },
    { key: "gaps", title: "Gaps", numeric: true, hint: "Expected and did not come, since the start", sort: (row) => row.gaps, render: (row) => (row.gaps ? format(row.gaps, "") : zero) },
    { key: "stray", title: "Dup., late", numeric: true, hint: "Values that came twice, or after newer ones", sort: (row) => row.stray, render: (row) => (row.stray ? format(row.stray, "") : zero) },
    { key: "skew", title: "Clock", numeric: true, hint: "The device's clock against ours", sort: (row) => (row.skew === null ? null : Math.abs(row.skew)), render: (row) => (row.skew === null ? none : skewText(row.skew)) },
    { key: "errors", title: "Errors", numeric: true, sort: (row) => row.errors, render: (row) => (row.errors ? format(row.errors, "") : zero) },
  ];
}

const STATES = [{ value: "", label: "All" }, { value: "attention", label: "Need attention" }, { value: "silent", label: "Silent" }, { value: "failing", label: "Failing" }];

interface SourceTableProps {
  rows: readonly SourceRow[];
  /** How many there are on the server; more than `rows` where the list was cut. */
  total: number;
  title: string;
  now: number;
  /** Rows of more than one kind. */
  mixed: boolean;
  search: string;
  state: string;
  onSearch: (text: string) => void;
  onState: (state: string) => void;
  onPick: (row: SourceRow) => void;
}

export function SourceTable({ rows, total, title, now, mixed, search, state, onSearch, onState, onPick }: SourceTableProps) {
  const columns = useMemo(() => columnsAt(now, mixed), [now, mixed]);
  const shown = useMemo(() => matching(rows, search, state), [rows, search, state]);
  const troubled = rows.filter((row) => rankOf(row.status) > 1).length;
  const cut = total > rows.length ? `, the worst ${rows.length} are listed: search finds the others` : "";
  return (
    <Panel
      title={title} hint={(troubled ? `${troubled} need attention` : "all healthy") + cut} flush
      actions={
        <div className={layout.toolbar}>
          <TextInput size="xs" aria-label="Search sources" placeholder="Name, target, error" leftSection={<Icon name="search" size={13} />} value={search} onChange={(event) => onSearch(event.target.value)} />
          <SegmentedControl size="xs" aria-label="State" value={state} onChange={onState} data={STATES} />
        </div>
      }
    >
      <DataTable
        columns={columns} rows={shown} rowKey={(row) => row.id} rowHeight={46} caption="Sources. Enter on a row shows everything about it." initialSort={{ key: "name", ascending: true }}
        onPick={onPick} empty={<p className="table-foot">{plural(rows.length, "source")}, none that matches</p>}
      />
    </Panel>
  );
}
