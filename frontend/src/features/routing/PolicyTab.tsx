import { SegmentedControl, Select } from "@mantine/core";
import { useMemo } from "react";
import { useQuery } from "@tanstack/react-query";
import { call } from "../../api/client";
import type { BgpSessions, RoutePolicy, TreatedRoute } from "../../api/types";
import { useParams } from "../../app/params";
import { useTime } from "../../app/time";
import { grouped, plural, share } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { DataTable, type Column } from "../../ui/DataTable";
import layout from "../../ui/layout.module.css";
import { Panel } from "../../ui/Panel";
import { Stat } from "../../ui/Stat";
import { EmptyState } from "../../ui/States";
import { StatusPill, type Status } from "../../ui/Status";
import { usePage } from "../devices/usePage";
import { AsPath, Communities, PrefixLink, ShowSql, Validity } from "./parts";
import css from "./routing.module.css";
import { ATTRIBUTES, changeOf, peerOf } from "./words";

const VERDICTS: Record<string, Status> = { rejected: "bad", added: "good", changed: "warn" };
const NO_NAMES = {};

const COLUMNS: Column<TreatedRoute>[] = [
  { key: "prefix", title: "Prefix", render: (row) => <PrefixLink prefix={row.prefix} /> },
  { key: "verdict", title: "Policy", sort: (row) => row.verdict, render: (row) => <StatusPill status={VERDICTS[row.verdict] ?? "idle"}>{row.verdict}</StatusPill> },
  { key: "path", title: "AS path before", render: (row) => (row.before ? <AsPath path={row.before.as_path} names={NO_NAMES} /> : <span className="faint">–</span>) },
  { key: "communities", title: "Communities before", render: (row) => <Communities of={row.before?.communities ?? []} /> },
  { key: "rpki", title: "RPKI", sort: (row) => (row.before ?? row.after)?.rpki ?? "", render: (row) => <Validity state={(row.before ?? row.after)?.rpki ?? ""} /> },
  {
    key: "changed", title: "What policy changes",
    render: (row) => <span className={css.changed}>{row.changed.map((one) => <span key={one.attribute}>{changeOf(one)}</span>)}{row.changed.length === 0 && <span className="faint">–</span>}</span>,
  },
];

interface Pair {
  value: string;
  label: string;
}

/** Neighbours of which routes are told both before and after policy. */
function pairsOf(view: BgpSessions, direction: string): Pair[] {
  const [pre, post] = direction === "out" ? ["adj_rib_out_pre", "adj_rib_out_post"] : ["adj_rib_in_pre", "adj_rib_in_post"];
  const ribs = new Map<string, { ribs: Set<string>; label: string }>();
  for (const row of view.sessions) {
    if (!row.peer) continue;
    const key = `${row.exporter} ${row.peer}`;
    const known = ribs.get(key) ?? { ribs: new Set(), label: `${row.name} ← ${peerOf(row)}` };
    known.ribs.add(row.rib);
    ribs.set(key, known);
  }
  return [...ribs].filter(([, known]) => known.ribs.has(pre ?? "") && known.ribs.has(post ?? "")).map(([value, known]) => ({ value, label: direction === "out" ? known.label.replace("←", "→") : known.label }));
}

function usePolicy(router: string, peer: string, direction: string, verdict: string) {
  const { range } = useTime();
  const path = `routing/policy?${new URLSearchParams({ exporter: router, peer, at: range.until, direction, verdict, limit: "300" })}`;
  return useQuery({ queryKey: ["get", path], queryFn: ({ signal }) => call<RoutePolicy>(path, { signal }), enabled: router !== "" && peer !== "" });
}

function Compared({ view, verdict, setVerdict }: { view: RoutePolicy; verdict: string; setVerdict: (value: string) => void }) {
  if (!view.told) return <Panel><EmptyState title="Nothing can be said of this neighbour">Its routes have to be told both before and after policy, and stand at the end of the range.</EmptyState></Panel>;
  const unchanged = view.before - view.rejected - view.changed;
  return (
    <>
      <Panel>
        <div className={layout.stats}>
          <Stat label={view.direction === "in" ? "Received" : "To send"} value={view.before} note="before policy" />
          <Stat label="Rejected" value={view.rejected} note={`${share(view.rejected, view.before)} of them`} />
          <Stat label="Changed" value={view.changed} note={Object.entries(view.by_attribute).map(([name, count]) => `${ATTRIBUTES[name] ?? name} ${grouped(count)}`).join(", ")} />
          <Stat label="As they came" value={unchanged} note={`${share(unchanged, view.before)} of them`} />
          <Stat label={view.direction === "in" ? "Accepted" : "Sent"} value={view.after} note={view.added ? `after policy; ${grouped(view.added)} added by it` : "after policy"} />
        </div>
      </Panel>
      <Panel
        title={plural(view.routes.length, "route")} hint={view.truncated ? "the first of those that policy treats" : "that policy treats"} flush
        actions={<div className={layout.toolbar}><SegmentedControl size="xs" aria-label="What policy does" value={verdict} onChange={setVerdict} data={[{ value: "", label: "All" }, { value: "rejected", label: "Rejected" }, { value: "changed", label: "Changed" }, { value: "added", label: "Added" }]} /><ShowSql of={view} what="What policy does" /></div>}
      >
        <DataTable columns={COLUMNS} rows={view.routes} rowKey={(row) => `${row.prefix} ${(row.before ?? row.after)?.vrf} ${(row.before ?? row.after)?.path_id}`} caption="Routes that policy treats" maxHeight={620} empty={<EmptyState title="Policy lets every route through as it came" icon="good" />} />
      </Panel>
    </>
  );
}

function Chosen({ view }: { view: BgpSessions }) {
  const [params, put] = useParams();
  const [direction = "", router = "", peer = "", verdict = ""] = ["direction", "router", "peer", "verdict"].map((name) => params.get(name) ?? "");
  const pairs = useMemo(() => pairsOf(view, direction || "in"), [view, direction]);
  const [first = "", second = ""] = (router && peer ? `${router} ${peer}` : (pairs[0]?.value ?? "")).split(" ");
  const answer = usePolicy(first, second, direction || "in", verdict);
  const pick = (value: string | null): void => {
    const [one = "", other = ""] = (value ?? "").split(" ");
    put({ router: one, peer: other });
  };
  return (
    <>
      <Panel>
        <div className={layout.tools}>
          <Select size="sm" w={380} aria-label="Router and neighbour" placeholder="Router and neighbour" searchable value={first ? `${first} ${second}` : null} onChange={pick} data={pairs.some((one) => one.value === `${first} ${second}`) || !first ? pairs : [...pairs, { value: `${first} ${second}`, label: `${first} ← ${second}` }]} />
          <SegmentedControl size="sm" aria-label="Direction" value={direction || "in"} onChange={(value) => put({ direction: value === "in" ? "" : value })} data={[{ value: "in", label: "Import" }, { value: "out", label: "Export" }]} />
        </div>
      </Panel>
      {first === ""
        ? <Panel><EmptyState title="No neighbour is told of on both sides of policy">Let the router's BMP report routes before and after policy (FRR: bmp monitor ipv4 unicast pre-policy and post-policy).</EmptyState></Panel>
        : <Answer of={answer} rows={8}>{(found) => <Compared view={found} verdict={verdict} setVerdict={(value) => put({ verdict: value })} />}</Answer>}
    </>
  );
}

export default function PolicyTab() {
  const answer = usePage<BgpSessions>("routing/sessions");
  return <Answer of={answer} rows={8}>{(view) => <Chosen view={view} />}</Answer>;
}
