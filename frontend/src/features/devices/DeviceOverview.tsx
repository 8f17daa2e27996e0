import { useMemo } from "react";
import { Link } from "wouter";
import type { Device, Gauge, InterfaceRow } from "../../api/types";
import { useTimeSearch } from "../../app/time";
import { exporterPath, interfacePath, sourcesPath } from "../../lib/links";
import { usePrefs } from "../../lib/prefs";
import { ago, dateTime } from "../../lib/time";
import { duration, format, plural } from "../../lib/units";
import { statusOf, wordOf } from "../../lib/verdict";
import { FactList } from "../../ui/FactList";
import { Icon } from "../../ui/Icon";
import layout from "../../ui/layout.module.css";
import { Panel } from "../../ui/Panel";
import { Reasons } from "../../ui/Reasons";
import { Stat } from "../../ui/Stat";
import { EmptyState } from "../../ui/States";
import { StatusIcon } from "../../ui/Status";
import { kindOf } from "../sources/kinds";
import { stateWord } from "../sources/SourceTable";
import css from "./devices.module.css";
import { busier } from "./list";
import { SeriesPanel } from "./SeriesPanel";
import { originName, Usage } from "./words";

/** The highest of several sensors, processors or pools. */
export function hottest(gauges: readonly Gauge[], name: string): Gauge | undefined {
  return gauges.filter((gauge) => gauge.name === name).toSorted((one, other) => other.value - one.value)[0];
}

function memoryPercent(gauges: readonly Gauge[]): number | undefined {
  const stated = hottest(gauges, "memory_percent")?.value;
  if (stated !== undefined) return stated;
  const used = gauges.find((gauge) => gauge.name === "memory_used_bytes");
  const total = gauges.find((gauge) => gauge.name === "memory_total_bytes" && gauge.component === used?.component);
  return used && total && total.value > 0 ? (100 * used.value) / total.value : undefined;
}

function Figures({ device }: { device: Device }) {
  const { gauges, interfaces } = device;
  const cpu = hottest(gauges, "cpu_percent");
  const memory = memoryPercent(gauges);
  const heat = hottest(gauges, "temperature_celsius");
  const uptime = hottest(gauges, "uptime_s");
  const up = interfaces.filter((row) => row.oper === "up").length;
  const down = interfaces.filter((row) => row.oper === "down" && row.admin !== "down").length;
  const window = duration(device.rates.until - device.rates.since);
  return (
    <Panel>
      <div className={layout.stats}>
        <Stat label="In" value={device.in_bps} unit="bit/s" note={`all interfaces, over ${window}`} />
        <Stat label="Out" value={device.out_bps} unit="bit/s" note={`all interfaces, over ${window}`} />
        <Stat label="Interfaces up" value={up} unit="" note={`${down} down of ${interfaces.length}`} />
        {cpu && <Stat label="CPU" value={cpu.value} unit="%" note={cpu.component || "now"} />}
        {memory !== undefined && <Stat label="Memory" value={memory} unit="%" note="in use" />}
        {heat && <Stat label="Warmest" value={heat.value} unit="°C" note={heat.component || "temperature"} />}
        {uptime && <Stat label="Up for" text={duration(uptime.value)} note="since its start" />}
      </div>
    </Panel>
  );
}

function Busiest({ device }: { device: Device }) {
  const kept = useTimeSearch();
  const rows = device.interfaces.map((row) => ({ row, share: busier(row) })).filter((one): one is { row: InterfaceRow; share: number } => one.share !== null)
    .toSorted((one, other) => other.share - one.share).slice(0, 6);
  if (rows.length === 0) return <EmptyState title="No interface has counters yet" icon="device" action={<Link href={sourcesPath()}>Set up SNMP or gNMI</Link>}>Utilisation is made of interface counters and the speed of the interface.</EmptyState>;
  return (
    <ul className={css.busiest}>
      {rows.map(({ row, share }) => (
        <li key={row.name}>
          <span><Link href={interfacePath(device.name, row.name, kept)}>{row.name}</Link>{row.peer ? <small>to {row.peer.device}</small> : row.description && <small>{row.description}</small>}</span>
          <span className="muted">{format(row.in_bps, "bit/s")} in, {format(row.out_bps, "bit/s")} out</span>
          <Usage value={share} />
        </li>
      ))}
    </ul>
  );
}

function Feeds({ device }: { device: Device }) {
  const kept = useTimeSearch();
  const { sources, exporter } = device;
  if (sources.length === 0 && !exporter) return <EmptyState title="Nothing feeds it" icon="exporters" action={<Link href={sourcesPath()}>Set up a source</Link>}>It is known to the inventory only.</EmptyState>;
  return (
    <ul className={css.feeds}>
      {sources.map((source) => (
        <li key={source.id}>
          <StatusIcon status={statusOf(source.status)} />
          <Link href={sourcesPath({ source: source.id }, kept)}>{kindOf(source.kind).title}</Link>
          <span className="muted">{stateWord(source.state)}{source.rows_per_s > 0 && `, ${format(source.rows_per_s, "")} rows/s`}</span>
          <span className="faint">{source.last_seen === null ? "never heard" : ago(source.last_seen, device.at)}</span>
          {source.last_error && source.status !== "ok" && <small title={source.last_error}>{source.last_error}</small>}
        </li>
      ))}
      {exporter && <li><Icon name="explore" size={16} /><Link href={exporterPath(exporter, kept)}>Flows</Link><span className="muted">from {exporter}</span><span /></li>}
    </ul>
  );
}

const SEVERE = ["emergency", "alert", "critical", "error", "warning"];

function Lately({ device }: { device: Device }) {
  const kept = useTimeSearch();
  const { zone } = usePrefs();
  const { happened } = device;
  const base = `/devices/${encodeURIComponent(device.name)}`;
  const severe = SEVERE.filter((name) => happened.log_severities[name]).map((name) => plural(happened.log_severities[name] ?? 0, name));
  return (
    <FactList
      facts={[
        ["Logs", <span key="logs"><Link href={`${base}/logs${kept}`}>{plural(happened.logs, "message")}</Link>{severe.length > 0 && <span className="muted">, among them {severe.join(", ")}</span>}</span>],
        ["Changes", <span key="changes"><Link href={`${base}/changes${kept}`}>{plural(happened.changes, "change")}</Link>{happened.last_change !== null && <span className="muted">, the last at {dateTime(happened.last_change, zone)}</span>}</span>],
        ["BGP", device.bgp.length === 0 ? <span key="bgp" className="faint">no session is told of</span> : <Link key="bgp" href={`${base}/neighbours${kept}`}>{device.bgp.filter((one) => one.state === "established").length} of {plural(device.bgp.length, "session")} established</Link>],
        ["Known from", <span key="origins" className="muted">{device.origins.map(originName).join(", ")} · first {dateTime(device.first_seen, zone)}</span>],
      ]}
    />
  );
}

const CHARTS: readonly [key: string, title: string, hint: string][] = [
  ["cpu", "CPU", "%"], ["memory", "Memory", "in use"], ["temperature", "Temperature", "°C per sensor"], ["power", "Power", "per supply"], ["fan", "Fans", "rpm"],
];

export function DeviceOverview({ device }: { device: Device }) {
  const { queries } = device;
  const drawn = useMemo(() => CHARTS.filter(([key]) => queries[key]), [queries]);
  return (
    <>
      {device.reasons.length > 0 && <Panel title={wordOf(device.status)} hint={plural(device.reasons.length, "finding")}><Reasons reasons={device.reasons} brief /></Panel>}
      <Figures device={device} />
      <div className={layout.columns}>
        {queries["received"] && <SeriesPanel title="Received" hint="bit/s by interface" query={queries["received"]} kind="stacked" />}
        {queries["sent"] && <SeriesPanel title="Sent" hint="bit/s by interface" query={queries["sent"]} kind="stacked" />}
        <Panel title="Busiest interfaces" hint="the busier direction, now"><Busiest device={device} /></Panel>
        <Panel title="What feeds it"><Feeds device={device} /></Panel>
        {drawn.map(([key, title, hint]) => <SeriesPanel key={key} title={title} hint={hint} query={queries[key] ?? {}} height={150} />)}
        <Panel title="In this time range"><Lately device={device} /></Panel>
      </div>
    </>
  );
}
