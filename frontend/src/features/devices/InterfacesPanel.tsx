import { SegmentedControl, TextInput } from "@mantine/core";
import { useDeferredValue, useMemo, useState } from "react";
import { Link, useLocation } from "wouter";
import type { Device, InterfaceRow } from "../../api/types";
import { useTimeSearch } from "../../app/time";
import { devicePath, interfacePath } from "../../lib/links";
import { duration, format, plural } from "../../lib/units";
import { DataTable, type Column } from "../../ui/DataTable";
import { Icon } from "../../ui/Icon";
import layout from "../../ui/layout.module.css";
import { Panel } from "../../ui/Panel";
import { EmptyState } from "../../ui/States";
import ui from "../../ui/ui.module.css";
import css from "./devices.module.css";
import { ports, type PortFilter } from "./list";
import { ShowQuery } from "./ShowQuery";
import { OperPill, Usage } from "./words";

const none = <span className="faint">–</span>;
const rate = (value: number | null): React.ReactNode => (value === null ? none : value === 0 ? <span className="faint">0</span> : value < 0.01 ? "< 0.01" : format(value, ""));
const dbm = (value: number | null | undefined): React.ReactNode => (value === null || value === undefined ? none : value.toFixed(1));

const Load = ({ bps, share }: { bps: number | null; share: number | null }) =>
  bps === null ? none : <span className={layout.beside}>{format(bps, "bit/s")}{share !== null && <Usage value={share} />}</span>;

export function Peer({ row, kept }: { row: InterfaceRow; kept: string }) {
  const { peer } = row;
  if (!peer) return row.provider ? <span className={css.provider} title={[row.provider, row.circuit].filter(Boolean).join(", ")}>{row.provider}</span> : none;
  return (
    <span className={ui.nameAndPart}>
      {peer.known ? <Link href={devicePath(peer.device, kept)} onClick={(event) => event.stopPropagation()}>{peer.device}</Link> : peer.device}
      <code>{peer.interface}</code>
    </span>
  );
}

function columnsOf(device: string, kept: string): Column<InterfaceRow>[] {
  return [
    {
      key: "name", title: "Interface", sort: (row) => row.name,
      render: (row) => <span className={css.port}><Link href={interfacePath(device, row.name, kept)} onClick={(event) => event.stopPropagation()}>{row.name}</Link>{row.description && <small title={row.description}>{row.description}</small>}</span>,
    },
    { key: "oper", title: "State", sort: (row) => `${row.admin}${row.oper}`, render: (row) => <OperPill oper={row.oper} admin={row.admin} /> },
    { key: "speed", title: "Speed", numeric: true, sort: (row) => row.speed_bps, render: (row) => (row.speed_bps ? format(row.speed_bps, "bit/s") : none) },
    { key: "in", title: "In", numeric: true, hint: "Rate, and share of the nominal speed", sort: (row) => row.in_bps, render: (row) => <Load bps={row.in_bps} share={row.in_utilisation} /> },
    { key: "out", title: "Out", numeric: true, hint: "Rate, and share of the nominal speed", sort: (row) => row.out_bps, render: (row) => <Load bps={row.out_bps} share={row.out_utilisation} /> },
    { key: "errors", title: "Errors/s", numeric: true, hint: "Packets per second, both directions", sort: (row) => row.errors_per_s, render: (row) => rate(row.errors_per_s) },
    { key: "discards", title: "Discards/s", numeric: true, hint: "Packets per second, both directions", sort: (row) => row.discards_per_s, render: (row) => rate(row.discards_per_s) },
    { key: "rx", title: "Rx dBm", numeric: true, hint: "Optical power received, the weakest lane", sort: (row) => row.optics?.rx_dbm ?? null, render: (row) => dbm(row.optics?.rx_dbm) },
    { key: "peer", title: "Leads to", sort: (row) => row.peer?.device ?? row.provider, render: (row) => <Peer row={row} kept={kept} /> },
    { key: "query", title: <span className="visually-hidden">Query</span>, width: "40px", render: (row) => <span onClick={(event) => event.stopPropagation()}><ShowQuery query={row.query} what={row.name} /></span> },
  ];
}

const FILTERS: { value: PortFilter; label: string }[] = [
  { value: "all", label: "All" }, { value: "up", label: "Up" }, { value: "down", label: "Down" }, { value: "linked", label: "With a link" }, { value: "troubled", label: "With errors" },
];

export function InterfacesPanel({ device }: { device: Device }) {
  const kept = useTimeSearch();
  const [, navigate] = useLocation();
  const [filter, setFilter] = useState<PortFilter>("all");
  const [search, setSearch] = useState("");
  const columns = useMemo(() => columnsOf(device.name, kept), [device.name, kept]);
  const rows = useDeferredValue(useMemo(() => ports(device.interfaces, filter, search), [device, filter, search]));
  const actions = (
    <div className={layout.toolbar}>
      <TextInput size="xs" w={200} placeholder="Find an interface" aria-label="Find an interface" data-filter leftSection={<Icon name="search" size={14} />} value={search} onChange={(event) => setSearch(event.target.value)} />
      <SegmentedControl size="xs" aria-label="Which interfaces" value={filter} onChange={(value) => setFilter(FILTERS.find((one) => one.value === value)?.value ?? "all")} data={FILTERS} />
    </div>
  );
  return (
    <Panel title={plural(rows.length, "interface")} hint={`rates over ${duration(device.rates.until - device.rates.since)}`} actions={actions} flush>
      <DataTable
        columns={columns} rows={rows} rowKey={(row) => row.name} caption="Interfaces" maxHeight={760} onPick={(row) => navigate(interfacePath(device.name, row.name, kept))}
        empty={<EmptyState title={device.interfaces.length === 0 ? "No interface is known yet" : "No interface matches"} icon="device">Interfaces come from SNMP, gNMI, NetBox, inventory files and flow exporters.</EmptyState>}
      />
    </Panel>
  );
}

