import { Button } from "@mantine/core";
import { Link } from "wouter";
import type { DeviceInterface, InterfaceRow } from "../../api/types";
import { useTimeSearch } from "../../app/time";
import type { Limit } from "../../charts/lines";
import { devicePath, explorePath, interfacePath, withParams } from "../../lib/links";
import { duration, format } from "../../lib/units";
import { statusOf, wordOf } from "../../lib/verdict";
import { Answer } from "../../ui/Answer";
import { FactList } from "../../ui/FactList";
import { Icon } from "../../ui/Icon";
import layout from "../../ui/layout.module.css";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { Stat } from "../../ui/Stat";
import { StatusPill } from "../../ui/Status";
import { TimeRangePicker } from "../../ui/TimeRangePicker";
import css from "./devices.module.css";
import { FeedPanel } from "./FeedPanel";
import { InterfaceFlows } from "./InterfaceFlows";
import { Reconciled } from "./Reconciled";
import { SeriesPanel } from "./SeriesPanel";
import { StateTimeline } from "./StateTimeline";
import { deviceApi, usePage } from "./usePage";
import { OperPill, originName, Usage } from "./words";

const perSecond = (value: number | null): string => (value === null ? "–" : value === 0 ? "none" : format(value, "/s"));

function Figures({ view }: { view: DeviceInterface }) {
  const { interface: row } = view;
  const window = duration(view.rates.until - view.rates.since);
  return (
    <Panel>
      <div className={layout.stats}>
        <Stat label="In" value={row.in_bps} unit="bit/s" note={<Usage value={row.in_utilisation} />} />
        <Stat label="Out" value={row.out_bps} unit="bit/s" note={<Usage value={row.out_utilisation} />} />
        <Stat label="Speed" value={row.speed_bps || null} unit="bit/s" note={row.speed_bps ? "nominal" : "not known"} />
        <Stat label="Errors" text={perSecond(row.errors_per_s)} note={`packets, over ${window}`} />
        <Stat label="Discards" text={perSecond(row.discards_per_s)} note={`packets, over ${window}`} />
        {row.optics?.rx_dbm !== null && row.optics?.rx_dbm !== undefined && (
          <Stat label="Light received" value={row.optics.rx_dbm} unit="dBm" note={row.optics.lanes > 1 ? `weakest of ${row.optics.lanes} lanes` : "now"} />
        )}
        {row.optics?.tx_dbm !== null && row.optics?.tx_dbm !== undefined && <Stat label="Light sent" value={row.optics.tx_dbm} unit="dBm" note={row.optics.temperature_celsius === null ? "now" : `laser ${format(row.optics.temperature_celsius, "°C")}`} />}
      </div>
    </Panel>
  );
}

function About({ view }: { view: DeviceInterface }) {
  const kept = useTimeSearch();
  const { interface: row } = view;
  const facts: [string, React.ReactNode][] = [
    ["Operational", <OperPill key="o" oper={row.oper} />],
    ["Administrative", row.admin === "unknown" ? "" : row.admin === "up" ? "switched on" : "switched off"],
    ["Neighbour", row.peer && (
      <span key="n">
        {row.peer.known ? <Link href={devicePath(row.peer.device, kept)}>{row.peer.device}</Link> : row.peer.device}{" "}
        {row.peer.known ? <Link href={interfacePath(row.peer.device, row.peer.interface, kept)}><code>{row.peer.interface}</code></Link> : <code>{row.peer.interface}</code>}
        <small className="faint"> by {row.peer.origins.map(originName).join(", ")}</small>
      </span>
    )],
    ["Site", row.peer?.site && <Link key="s" href={withParams("/topology", kept, { site: row.peer.site })}>{row.peer.site}</Link>],
    ["Provider", [row.provider, row.circuit].filter(Boolean).join(" · ")],
    ["Use", [row.boundary, row.connectivity].filter(Boolean).join(", ")],
    ["Member of", row.lag && <Link key="l" href={interfacePath(view.device, row.lag, kept)}>{row.lag}</Link>],
    ["Members", view.members.length > 0 && <span key="m" className={css.members}>{view.members.map((member) => <Link key={member} href={interfacePath(view.device, member, kept)}>{member}</Link>)}</span>],
    ["Addresses", row.addresses.join(", ")],
    ["MAC, MTU", [row.mac, row.mtu ? `${row.mtu} B` : ""].filter(Boolean).join(", ")],
    ["ifIndex", row.if_index ? String(row.if_index) : "not known"],
  ];
  return <FactList facts={facts} />;
}

function limitsOf(row: InterfaceRow): readonly Limit[] {
  return row.speed_bps ? [{ label: `Capacity ${format(row.speed_bps, "bit/s")}`, value: row.speed_bps }] : [];
}

const FULL: readonly Limit[] = [{ label: "100 %", value: 100 }];

function Charts({ view }: { view: DeviceInterface }) {
  const { queries, interface: row } = view;
  const chart = (key: string, title: string, hint: string, limits?: readonly Limit[]): React.ReactNode =>
    queries[key] && <SeriesPanel key={key} title={title} hint={hint} query={queries[key]} {...(limits ? { limits } : {})} />;
  return (
    <>
      {chart("traffic", "Traffic", row.speed_bps ? `bit/s, of ${format(row.speed_bps, "bit/s")}` : "bit/s", limitsOf(row))}
      {chart("utilisation", "Utilisation", "% of the nominal speed", FULL)}
      {chart("errors", "Errors and discards", "packets per second")}
      {chart("packets", "Packets", "per second, by kind")}
      {chart("light", "Optical power", "dBm, per lane")}
      {chart("laser", "Laser temperature", "°C, per lane")}
      {chart("queues", "Queues", "packets per second, dropped or marked")}
      {chart("pause", "Pause frames", "PFC, per priority")}
    </>
  );
}

function Content({ view }: { view: DeviceInterface }) {
  const { queries } = view;
  return (
    <>
      {view.reasons.length > 0 && view.status !== "ok" && <p className={css.reasons} data-status={view.status} role="note"><Icon name="warn" size={14} />{view.reasons.join(" · ")}</p>}
      <Figures view={view} />
      {queries["state"] && <StateTimeline query={queries["state"]} />}
      <div className={layout.columns}>
        <Charts view={view} />
        <Panel title="About it"><About view={view} /></Panel>
        {view.flow_filter && <Reconciled view={view} />}
      </div>
      <InterfaceFlows view={view} />
      <div className={layout.columns}>
        <FeedPanel dataset="logs" title="Logs about it" filter={view.log_filter} empty="Nothing was logged about it" />
        <FeedPanel dataset="changes" title="Changes of it" filter={view.change_filter} empty="No change of it is known" />
      </div>
    </>
  );
}

export default function InterfacePage({ device, name }: { device: string; name: string }) {
  const kept = useTimeSearch();
  const answer = usePage<DeviceInterface>(`${deviceApi(device)}/interfaces/${name.split("/").map(encodeURIComponent).join("/")}`);
  const view = answer.data;
  return (
    <>
      <PageHeader
        title={`${device} ${view?.interface.name ?? name}`} before={<Link href={withParams(`/devices/${encodeURIComponent(device)}/interfaces`, kept, {})} aria-label={`Interfaces of ${device}`}><Icon name="left" /></Link>}
        subtitle={<span className={css.identity}><Link href={devicePath(device, kept)}>{device}</Link>{view?.interface.description && <span>{view.interface.description}</span>}</span>}
      >
        {view && <StatusPill status={statusOf(view.status)}>{view.status === "unknown" && view.reasons[0] === "switched off" ? "Switched off" : wordOf(view.status)}</StatusPill>}
        {view?.flow_filter && <Button component={Link} variant="default" px="sm" href={explorePath({ filter: view.flow_filter }, kept)} leftSection={<Icon name="explore" size={14} />}>Its flows</Button>}
        <TimeRangePicker />
      </PageHeader>
      <Answer of={answer} rows={10}>{(data) => <Content view={data} />}</Answer>
    </>
  );
}
