import { Tooltip } from "@mantine/core";
import type { Pipeline } from "../../api/types";
import { duration, format, grouped } from "../../lib/units";
import { Panel } from "../../ui/Panel";
import { StatusPill, type Status } from "../../ui/Status";
import css from "./exporters.module.css";
import { sum } from "./ledger";

interface Step {
  name: string;
  status: Status;
  main: string;
  lines: string[];
  meaning: string;
}

export function steps(pipeline: Pipeline): Step[] {
  const dropped = sum(pipeline.dropped);
  const lostRows = sum(pipeline.lost_rows);
  const ports = pipeline.listeners.map((one) => one.port).join(", ");
  return [
    {
      name: "Listen", status: pipeline.listeners.length > 0 ? "good" : "bad", main: `${format(pipeline.datagrams_per_s, "")} datagrams/s`,
      lines: [`UDP ${ports || "none"}`, `${grouped(pipeline.received)} received`], meaning: "Sockets that telemetry arrives on",
    },
    {
      name: "Kernel", status: pipeline.kernel_drops > 0 ? "bad" : "good", main: `${grouped(pipeline.kernel_drops)} drops`,
      lines: [`buffer ${format(Math.max(0, ...pipeline.listeners.map((one) => one.receive_buffer)), "B")}`],
      meaning: "What the kernel threw away because the receive buffer was full",
    },
    {
      name: "Queue", status: dropped > 0 ? "bad" : pipeline.queue_fill > 0.5 ? "warn" : "good", main: `${Math.round(pipeline.queue_fill * 100)} % full`,
      lines: [`${grouped(dropped)} dropped`, `oldest ${duration(pipeline.queue_oldest_s)}`], meaning: "Datagrams that wait for the decoder",
    },
    {
      name: "Decode", status: "good", main: `${format(pipeline.records_per_s, "")} records/s`, lines: [`${grouped(pipeline.decoded)} decoded`],
      meaning: "Datagrams to flow records",
    },
    {
      name: "Spool", status: pipeline.spool_rows > 0 ? "warn" : "good", main: `${grouped(pipeline.spool_rows)} rows`,
      lines: [`${format(pipeline.spool_bytes, "B")} of ${format(pipeline.spool_capacity, "B")}`], meaning: "Rows that wait on disk because the store is away",
    },
    {
      name: "Store", status: pipeline.store_ok ? (lostRows > 0 ? "bad" : "good") : "bad", main: pipeline.store_ok ? `${grouped(pipeline.stored)} rows` : "away",
      lines: pipeline.store_ok
        ? [pipeline.latency_p99_ms === null ? "no batch yet" : `queryable in ${duration(pipeline.latency_p99_ms / 1000)} (p99)`, lostRows ? `${grouped(lostRows)} rows lost` : ""]
        : [pipeline.store_error],
      meaning: "The telemetry store, and how long it takes from a datagram to an answer",
    },
  ];
}

/** From the sockets to the store, left to right: a glance says where telemetry is stuck or lost. */
export function PipelinePanel({ pipeline }: { pipeline: Pipeline }) {
  const all = steps(pipeline);
  const bad = all.some((step) => step.status === "bad");
  const warned = all.some((step) => step.status === "warn");
  return (
    <Panel title="Pipeline" hint="from the sockets to the store, since the start" actions={<StatusPill status={bad ? "bad" : warned ? "warn" : "good"}>{bad ? "Losing data" : warned ? "Behind" : "Nothing lost here"}</StatusPill>}>
      <ol className={css.pipeline}>
        {all.map((step) => (
          <Tooltip key={step.name} label={step.meaning}>
            <li data-status={step.status}>
              <small>{step.name}</small>
              <b>{step.main}</b>
              {step.lines.filter(Boolean).map((line) => <span key={line}>{line}</span>)}
            </li>
          </Tooltip>
        ))}
      </ol>
    </Panel>
  );
}
