import { NativeSelect, SegmentedControl, TextInput } from "@mantine/core";
import { useCallback, useDeferredValue, useMemo } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import type { DeviceRow, Devices } from "../../api/types";
import { useTimeSearch } from "../../app/time";
import { devicePath, interfacePath, sourcesPath, withParams } from "../../lib/links";
import { ago } from "../../lib/time";
import { duration, format, plural } from "../../lib/units";
import { rankOf } from "../../lib/verdict";
import { Answer } from "../../ui/Answer";
import { DataTable, type Column } from "../../ui/DataTable";
import { Icon } from "../../ui/Icon";
import layout from "../../ui/layout.module.css";
import { NameCell } from "../../ui/NameCell";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { EmptyState } from "../../ui/States";
import { TimeRangePicker } from "../../ui/TimeRangePicker";
import { feedName } from "../sources/kinds";
import css from "./devices.module.css";
import { chosen, distinct, parseList, writeList, type ListState } from "./list";
import { usePage } from "./usePage";
import { Usage } from "./words";

const none = <span className="faint">–</span>;

function columnsAt(now: number, kept: string): Column<DeviceRow>[] {
  return [
    {
      key: "name", title: "Device", sort: (row) => `${3 - rankOf(row.status)} ${row.name}`,
      render: (row) => (
        <NameCell
          status={row.status} name={row.name} href={devicePath(row.name, kept)} address={row.addresses[0]} title={row.reasons.join("; ")}
          finding={row.reasons[0] && `${row.reasons[0]}${row.reasons.length > 1 ? `, and ${row.reasons.length - 1} more` : ""}`}
        />
      ),
    },
    { key: "site", title: "Site", sort: (row) => row.site, render: (row) => (row.site ? <Link href={withParams("/topology", kept, { site: row.site })} onClick={(event) => event.stopPropagation()}>{row.site}</Link> : none) },
    { key: "role", title: "Role", sort: (row) => row.role, render: (row) => row.role || none },
    { key: "model", title: "Model", sort: (row) => `${row.vendor} ${row.model}`, render: (row) => (row.model || row.vendor ? <span title={[row.vendor, row.model, row.os].filter(Boolean).join(", ")}>{row.model || row.vendor}</span> : none) },
    {
      key: "ports", title: "Ports", numeric: true, hint: "Up, and down though switched on, of all", sort: (row) => row.interfaces_down,
      render: (row) => <>{row.interfaces_up}{row.interfaces_down > 0 && <span className={css.downCount}> · {row.interfaces_down} down</span>}<span className="faint"> / {row.interfaces}</span></>,
    },
    { key: "in", title: "In", numeric: true, hint: "Sum over its interfaces, by counters", sort: (row) => row.in_bps, render: (row) => (row.in_bps === null ? none : format(row.in_bps, "bit/s")) },
    { key: "out", title: "Out", numeric: true, hint: "Sum over its interfaces, by counters", sort: (row) => row.out_bps, render: (row) => (row.out_bps === null ? none : format(row.out_bps, "bit/s")) },
    {
      key: "busiest", title: "Busiest", numeric: true, hint: "Utilisation of its most loaded interface", sort: (row) => row.busiest,
      render: (row) => (row.busiest === null ? none : <Link className="cell-link" href={interfacePath(row.name, row.busiest_interface, kept)} onClick={(event) => event.stopPropagation()}><Usage value={row.busiest} of={row.busiest_interface} /></Link>),
    },
    { key: "change", title: "Changed", numeric: true, hint: "Of its configuration or inventory, within 30 days", sort: (row) => row.last_change, render: (row) => (row.last_change === null ? none : ago(row.last_change, now)) },
    { key: "sources", title: "Fed by", sort: (row) => row.sources.join(), render: (row) => <span className={css.fedBy} title={row.sources.map(feedName).join(", ")}>{row.sources.map(feedName).join(", ") || none}</span> },
    { key: "seen", title: "Heard", numeric: true, hint: "When a source of it said something good last", sort: (row) => row.last_seen, render: (row) => (row.last_seen === null ? none : ago(row.last_seen, now)) },
  ];
}

interface FilterProps {
  rows: readonly DeviceRow[];
  state: ListState;
  update: (patch: Partial<ListState>) => void;
}

const options = (all: string, values: string[]): { value: string; label: string }[] => [{ value: "", label: all }, ...values.map((value) => ({ value, label: value }))];

function Filters({ rows, state, update }: FilterProps) {
  return (
    <div className={layout.toolbar}>
      <TextInput
        size="xs" w={220} placeholder="Find by name, address, model…" aria-label="Find a device" data-filter leftSection={<Icon name="search" size={14} />}
        value={state.search} onChange={(event) => update({ search: event.target.value })}
      />
      <NativeSelect size="xs" aria-label="Site" value={state.site} onChange={(event) => update({ site: event.target.value })} data={options("All sites", distinct(rows, (row) => row.site))} />
      <NativeSelect size="xs" aria-label="Role" value={state.role} onChange={(event) => update({ role: event.target.value })} data={options("All roles", distinct(rows, (row) => row.role))} />
      <SegmentedControl
        size="xs" aria-label="State" value={state.attention ? "attention" : ""} onChange={(value) => update({ attention: value === "attention" })}
        data={[{ value: "", label: "All" }, { value: "attention", label: "Need attention" }]}
      />
    </div>
  );
}

function List({ data }: { data: Devices }) {
  const kept = useTimeSearch();
  const [, navigate] = useLocation();
  const [params, setParams] = useSearchParams();
  const state = useMemo(() => parseList(params), [params]);
  const update = useCallback((patch: Partial<ListState>) => setParams((old) => writeList({ ...parseList(old), ...patch }, old), { replace: true }), [setParams]);
  const columns = useMemo(() => columnsAt(data.updated, kept), [data.updated, kept]);
  const rows = useDeferredValue(useMemo(() => chosen(data.devices, state), [data, state]));
  const troubled = data.devices.filter((row) => row.status === "warning" || row.status === "critical").length;
  const hint = `${troubled ? `${troubled} need attention` : "all well"} · rates over ${duration(data.window.until - data.window.since)}`;
  return (
    <Panel
      title={rows.length === data.devices.length ? plural(rows.length, "device") : `${rows.length} of ${plural(data.devices.length, "device")}`} hint={hint}
      actions={<Filters rows={data.devices} state={state} update={update} />} flush
    >
      <DataTable
        columns={columns} rows={rows} rowKey={(row) => row.name} caption="Devices" initialSort={{ key: "name", ascending: true }} maxHeight={820}
        onPick={(row) => navigate(devicePath(row.name, kept))} empty={<EmptyState title="No device matches">Clear the search or the filters.</EmptyState>}
      />
    </Panel>
  );
}

const Nothing = () => (
  <Panel>
    <EmptyState title="The inventory knows no device yet" icon="device" action={<Link href={sourcesPath()}>Set up a source</Link>}>
      Devices come from an inventory file, from NetBox, and from what speaks: SNMP and gNMI targets, flow exporters, senders of syslog.
    </EmptyState>
  </Panel>
);

export default function DevicesPage() {
  const answer = usePage<Devices>("devices", false);
  return (
    <>
      <PageHeader title="Devices" subtitle="Every device of the inventory: whether it is well, what it carries, what feeds it"><TimeRangePicker /></PageHeader>
      <Answer of={answer} rows={10}>{(data) => (data.devices.length === 0 ? <Nothing /> : <List data={data} />)}</Answer>
    </>
  );
}
