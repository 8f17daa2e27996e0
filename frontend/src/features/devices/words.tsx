/** How states, directions and origins are written on the pages of devices and links. */
import { Tooltip } from "@mantine/core";
import type { Measured, Oper } from "../../api/types";
import { bandOf, percent } from "../../charts/topology";
import { StatusPill, type Status } from "../../ui/Status";
import css from "./devices.module.css";

const OPER: Record<Oper, [status: Status, word: string]> = {
  up: ["good", "Up"], down: ["bad", "Down"], degraded: ["warn", "Partly down"], unknown: ["idle", "Not known"],
};

export function OperPill({ oper, admin }: { oper: Oper; admin?: Oper }) {
  if (admin === "down") return <StatusPill status="idle">Switched off</StatusPill>;
  const [status, word] = OPER[oper];
  return <StatusPill status={status}>{word}</StatusPill>;
}

/** Utilisation as a bar and a figure; the colour says the same as the figure. */
export function Usage({ value, of }: { value: number | null; of?: string }) {
  if (value === null) return <span className="faint">–</span>;
  return (
    <span className={css.usage} title={of}>
      <i data-band={bandOf(value).name}><b style={{ width: `${Math.min(100, Math.max(1.5, value * 100))}%` }} /></i>
      <span>{percent(value)}</span>
    </span>
  );
}

const MEASURED: Record<Measured, [word: string, meaning: string]> = {
  counters: ["by counters", "Interface counters of one end (SNMP, gNMI, sFlow)"],
  flows: ["by flows", "Estimated from flow records: no end has interface counters"],
  none: ["not measured", "No end has interface counters or flows"],
};

export const MeasuredBy = ({ by }: { by: Measured }) => (
  <Tooltip label={MEASURED[by][1]}><span className={css.measured} data-by={by} tabIndex={0}>{MEASURED[by][0]}</span></Tooltip>
);

const ORIGINS: Record<string, string> = {
  file: "Inventory file", netbox: "NetBox", tables: "Reference tables", gnmi: "gNMI", snmp: "SNMP", lldp: "LLDP", configs: "Configuration", flows: "Flows", syslog: "Syslog",
};

export const originName = (origin: string): string => ORIGINS[origin] ?? origin;
