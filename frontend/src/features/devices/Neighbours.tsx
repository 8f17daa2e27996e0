import { useMemo } from "react";
import { Link } from "wouter";
import type { BgpPeer, Device, InterfaceRow } from "../../api/types";
import { useTimeSearch } from "../../app/time";
import { devicePath, interfacePath, withParams } from "../../lib/links";
import { duration, format, grouped, plural } from "../../lib/units";
import { DataTable, type Column } from "../../ui/DataTable";
import { Panel } from "../../ui/Panel";
import { EmptyState } from "../../ui/States";
import { StatusPill } from "../../ui/Status";
import { ShowQuery } from "./ShowQuery";
import { OperPill, originName } from "./words";

const none = <span className="faint">–</span>;
const count = (value: number | null): React.ReactNode => (value === null ? none : grouped(value));

function linkColumns(device: string, kept: string): Column<InterfaceRow>[] {
  return [
    { key: "own", title: "Interface", sort: (row) => row.name, render: (row) => <Link href={interfacePath(device, row.name, kept)}>{row.name}</Link> },
    { key: "oper", title: "State", sort: (row) => row.oper, render: (row) => <OperPill oper={row.oper} admin={row.admin} /> },
    { key: "device", title: "Neighbour", sort: (row) => row.peer?.device ?? "", render: ({ peer }) => (peer?.known ? <Link href={devicePath(peer.device, kept)}>{peer.device}</Link> : peer?.device) },
    { key: "port", title: "Its interface", sort: (row) => row.peer?.interface ?? "", render: ({ peer }) => (peer ? <Link href={interfacePath(peer.device, peer.interface, kept)}>{peer.interface}</Link> : none) },
    { key: "site", title: "Site", sort: (row) => row.peer?.site ?? "", render: ({ peer }) => (peer?.site ? <Link href={withParams("/topology", kept, { site: peer.site })}>{peer.site}</Link> : none) },
    { key: "speed", title: "Speed", numeric: true, sort: (row) => row.speed_bps, render: (row) => (row.speed_bps ? format(row.speed_bps, "bit/s") : none) },
    { key: "origin", title: "Stated by", render: ({ peer }) => peer?.origins.map(originName).join(", ") },
  ];
}

const BGP_WORDS: Record<BgpPeer["state"], string> = {
  established: "Established", idle: "Idle", connect: "Connect", active: "Active", opensent: "OpenSent", openconfirm: "OpenConfirm", unknown: "Not known",
};

function bgpColumns(kept: string): Column<BgpPeer>[] {
  return [
    { key: "peer", title: "Peer", sort: (row) => row.peer, render: (row) => <><span className="mono">{row.peer}</span>{row.device && <> <Link href={devicePath(row.device, kept)}>{row.device}</Link></>}</> },
    { key: "as", title: "Remote AS", numeric: true, sort: (row) => Number(row.remote_as) || 0, render: (row) => (row.remote_as ? `AS${row.remote_as}` : none) },
    {
      key: "state", title: "State", sort: (row) => row.state,
      render: (row) => <StatusPill status={row.state === "established" ? "good" : row.state === "unknown" ? "idle" : "bad"}>{BGP_WORDS[row.state]}</StatusPill>,
    },
    { key: "uptime", title: "For", numeric: true, hint: "Since the session was established", sort: (row) => row.uptime_s, render: (row) => (row.uptime_s === null ? none : duration(row.uptime_s)) },
    { key: "family", title: "Family", sort: (row) => row.afi_safi, render: (row) => row.afi_safi.replaceAll("_", " ") || none },
    { key: "vrf", title: "VRF", sort: (row) => row.vrf, render: (row) => row.vrf || none },
    { key: "received", title: "Received", numeric: true, hint: "Prefixes that the peer announces", sort: (row) => row.received, render: (row) => count(row.received) },
    { key: "accepted", title: "Accepted", numeric: true, hint: "Prefixes accepted of them", sort: (row) => row.accepted, render: (row) => count(row.accepted) },
    { key: "sent", title: "Sent", numeric: true, hint: "Prefixes announced to the peer", sort: (row) => row.sent, render: (row) => count(row.sent) },
    { key: "transitions", title: "Flaps", numeric: true, hint: "Times that the session came up", sort: (row) => row.transitions, render: (row) => count(row.transitions) },
    { key: "query", title: <span className="visually-hidden">Query</span>, width: "40px", render: (row) => <ShowQuery query={row.query} what={`the session with ${row.peer}`} /> },
  ];
}

export function Neighbours({ device }: { device: Device }) {
  const kept = useTimeSearch();
  const linked = useMemo(() => device.interfaces.filter((row) => row.peer !== null), [device]);
  const links = useMemo(() => linkColumns(device.name, kept), [device.name, kept]);
  const sessions = useMemo(() => bgpColumns(kept), [kept]);
  const up = device.bgp.filter((one) => one.state === "established").length;
  return (
    <>
      <Panel title="Links" hint={plural(linked.length, "interface")} flush>
        <DataTable
          columns={links} rows={linked} rowKey={(row) => row.name} caption="Links"
          empty={<EmptyState title="No neighbour is known" icon="topology">Links come from LLDP (by SNMP or gNMI), NetBox cables and inventory files; none is guessed.</EmptyState>}
        />
      </Panel>
      <Panel title="BGP sessions" hint={device.bgp.length > 0 ? `${up} of ${device.bgp.length} established` : undefined} flush>
        <DataTable
          columns={sessions} rows={device.bgp} rowKey={(row) => `${row.peer} ${row.vrf} ${row.afi_safi}`} caption="BGP sessions"
          empty={<EmptyState title="No BGP session is told of" icon="topology">They come with SNMP (BGP4-MIB) and gNMI (OpenConfig network instances).</EmptyState>}
        />
      </Panel>
    </>
  );
}
