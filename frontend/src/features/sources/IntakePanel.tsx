import { Tooltip } from "@mantine/core";
import type { Intake, SourceKind } from "../../api/types";
import { duration, format, grouped } from "../../lib/units";
import { Panel } from "../../ui/Panel";
import { StatusPill, type Status } from "../../ui/Status";
import pipeline from "../exporters/exporters.module.css";
import { sum } from "../exporters/ledger";

export interface IntakeStep {
  name: string;
  status: Status;
  main: string;
  lines: string[];
  meaning: string;
}

export function intakeSteps(intake: Intake, kinds: readonly SourceKind[]): IntakeStep[] {
  const lost = sum(intake.lost_rows);
  const perSecond = kinds.reduce((total, kind) => total + kind.rows_per_s, 0);
  const stored = Object.entries(intake.stored).map(([table, rows]) => `${format(rows, "")} ${table}`);
  return [
    {
      name: "Take in", status: "good", main: `${format(perSecond, "")} rows/s`, lines: [`${grouped(kinds.reduce((total, kind) => total + kind.total, 0))} sources`],
      meaning: "Polls, streams, messages and pushes become rows of metrics, logs and changes",
    },
    { name: "Wait", status: intake.pending > 8 ? "warn" : "good", main: `${grouped(intake.pending)} batches`, lines: ["in memory"], meaning: "Batches on their way to the store" },
    {
      name: "Spool", status: intake.spool_rows > 0 ? "warn" : "good", main: `${grouped(intake.spool_rows)} rows`,
      lines: [format(intake.spool_bytes, "B"), intake.spool_rows ? `oldest ${duration(intake.spool_oldest_s)}` : ""], meaning: "Rows that wait on disk because the store is away",
    },
    {
      name: "Store", status: !intake.store_ok || lost > 0 ? "bad" : "good", main: intake.store_ok ? (stored[0] ?? "0 rows") : "away",
      lines: intake.store_ok
        ? [...stored.slice(1), intake.latency_p99_ms === null ? "" : `queryable in ${duration(intake.latency_p99_ms / 1000)} (p99)`, lost ? `${grouped(lost)} rows lost` : ""]
        : [intake.store_error],
      meaning: "Rows stored by table, and how long it takes from arrival to an answer",
    },
  ];
}

/** The way of everything but flows into the store. */
export function IntakePanel({ intake, kinds }: { intake: Intake; kinds: readonly SourceKind[] }) {
  if (!intake.running || kinds.length === 0) return null;
  const steps = intakeSteps(intake, kinds);
  const worst: Status = steps.some((step) => step.status === "bad") ? "bad" : steps.some((step) => step.status === "warn") ? "warn" : "good";
  return (
    <Panel title="Intake" hint="metrics, logs and changes on their way to the store" actions={<StatusPill status={worst}>{{ bad: "Losing data", warn: "Behind", good: "Nothing lost here", idle: "" }[worst]}</StatusPill>}>
      <ol className={pipeline.pipeline} style={{ gridTemplateColumns: `repeat(${steps.length}, minmax(0, 1fr))` }}>
        {steps.map((step) => (
          <Tooltip key={step.name} label={step.meaning}>
            <li data-status={step.status}><small>{step.name}</small><b>{step.main}</b>{step.lines.filter(Boolean).map((line) => <span key={line}>{line}</span>)}</li>
          </Tooltip>
        ))}
      </ol>
    </Panel>
  );
}
