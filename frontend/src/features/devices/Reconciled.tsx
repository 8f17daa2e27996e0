import { useMemo } from "react";
import type { DeviceInterface, Reconciled as Reconciliation, ReconciledRow } from "../../api/types";
import { format } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { Panel } from "../../ui/Panel";
import { EmptyState } from "../../ui/States";
import { StatusPill } from "../../ui/Status";
import { ratioText, verdictOf } from "../sources/quality";
import css from "./devices.module.css";
import { ShowQuery } from "./ShowQuery";
import { usePage } from "./usePage";

function Way({ row }: { row: ReconciledRow }) {
  const { status, word } = verdictOf(row.verdict);
  return (
    <li>
      <div className={css.reconciled}>
        <b>{row.direction === "in" ? "In" : "Out"}</b>
        <StatusPill status={status}>{word}</StatusPill>
        <span>{ratioText(row.adjusted)}</span>
        <span className="muted">flows {format(row.flow_bps_framed, "bit/s")}, counters {format(row.counter_bps, "bit/s")}</span>
        {row.queries["flows"] && <ShowQuery query={row.queries["flows"]} what={`flows, ${row.direction}`} />}
      </div>
      {row.reasons.slice(0, 2).map((reason) => (
        <p key={reason.code}><b>{reason.title}</b>{reason.fix && <> {reason.fix}{/[.!?]$/.test(reason.fix) ? "" : "."}</>} <span className="faint">{Math.round(reason.confidence * 100)} % sure</span></p>
      ))}
    </li>
  );
}

/** Whether flows and counters of this interface tell the same, and the likely reason where they do not. */
export function Reconciled({ view }: { view: DeviceInterface }) {
  const answer = usePage<Reconciliation>(`quality/reconciliation`, true, { device: view.device, limit: "5000" });
  const rows = useMemo(() => answer.data?.rows.filter((row) => row.if_index === view.interface.if_index).toSorted((one, other) => one.direction.localeCompare(other.direction)) ?? [], [answer.data, view]);
  return (
    <Panel title="Flows against counters" hint="flows ÷ counters, 1 where they agree">
      <Answer of={answer} rows={3}>
        {() => (rows.length === 0
          ? <EmptyState title="Nothing to compare" icon="compare">Neither flows nor counters name this interface in the range.</EmptyState>
          : <ul className={css.reconciliation}>{rows.map((row) => <Way key={row.direction} row={row} />)}</ul>)}
      </Answer>
    </Panel>
  );
}
