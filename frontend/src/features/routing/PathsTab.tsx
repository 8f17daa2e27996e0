import { SegmentedControl } from "@mantine/core";
import { useMemo } from "react";
import { useCatalogue, useView } from "../../api/queries";
import type { Query } from "../../api/types";
import { useParam } from "../../app/params";
import { useTime, useTimeSearch } from "../../app/time";
import { datasetOf } from "../../api/dataset";
import { explorePath } from "../../lib/links";
import { format, share } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { DataTable, type Column } from "../../ui/DataTable";
import layout from "../../ui/layout.module.css";
import { Panel } from "../../ui/Panel";
import { ExploreLink } from "../../ui/Ranking";
import { EmptyState, LoadingState } from "../../ui/States";
import { SeriesPanel } from "../devices/SeriesPanel";
import { groupsOf, type Group } from "../explorer/groups";
import { AsPath } from "./parts";

const BY: Record<string, { title: string; one: string; by: string }> = {
  path: { title: "AS paths", one: "AS path", by: "as_path" }, neighbor: { title: "Neighbouring ASes", one: "neighbouring AS", by: "neighbor_as" },
  communities: { title: "Communities", one: "community", by: "communities" }, origin: { title: "Origins", one: "origin", by: "as" },
};
const NO_NAMES = {};

function columnsOf(chosen: string, total: number, unit: string): Column<Group>[] {
  return [
    { key: "name", title: BY[chosen]?.title ?? "", sort: (row) => row.label, render: (row) => (chosen === "path" && /^[\d\s{}]+$/.test(row.label) ? <AsPath path={row.label} names={NO_NAMES} /> : row.label || <span className="faint">no route known</span>) },
    { key: "average", title: "Average", numeric: true, sort: (row) => row.average, render: (row) => format(row.average, unit) },
    { key: "share", title: "Share", numeric: true, sort: (row) => row.average, render: (row) => share(row.average ?? 0, total) },
  ];
}

/** Traffic by what BGP said of its way at that moment; the columns are filled from the RIB of the flow's own exporter. */
function Traffic({ chosen, side }: { chosen: string; side: string }) {
  const { range, interval } = useTime();
  const kept = useTimeSearch();
  const by = `${side}_${BY[chosen]?.by ?? "as_path"}`;
  const filter = chosen === "path" || chosen === "communities" ? `${by} != ""` : `${by} != 0`;
  const query = useMemo<Query>(() => ({ view: "series", measures: ["bps"], by: [by], filter, top: 40, other: true, points: 20, since: range.since, until: range.until }), [by, filter, range]);
  const answer = useView(query, { refresh: interval || 60_000 });
  const posted = useMemo(() => ({ dataset: "flows", by: [by], measures: ["bps"], filter, top: 8 }), [by, filter]);
  return (
    <>
      <SeriesPanel title={`Traffic by ${BY[chosen]?.one}`} hint={side === "dst" ? "towards the destination" : "back to the source"} query={posted} kind="stacked" height={230} />
      <Panel title={BY[chosen]?.title} hint="average over the range" flush actions={<ExploreLink href={explorePath({ by: [by], filter }, kept)} of={BY[chosen]?.title ?? ""} />}>
        <Answer of={answer} rows={8}>
          {(result) => {
            const groups = groupsOf(result);
            const total = groups.reduce((sum, group) => sum + (group.average ?? 0), 0);
            return <DataTable columns={columnsOf(chosen, total, result.unit)} rows={groups} rowKey={(group) => group.id} caption="Traffic" maxHeight={560} empty={<EmptyState title="No flow has a route in this range">Flows get their path from the routes of the router that exports them: it has to speak BMP to Weft.</EmptyState>} />;
          }}
        </Answer>
      </Panel>
    </>
  );
}

export default function PathsTab() {
  const catalogue = useCatalogue();
  const [by, setBy] = useParam("by");
  const [side, setSide] = useParam("side");
  const flows = datasetOf(catalogue.data, "flows");
  if (!flows) return <LoadingState rows={8} />;
  const chosen = by in BY ? by : "path";
  const known = flows.dimensions.some((one) => one.name === `${side || "dst"}_${BY[chosen]?.by}`);
  return (
    <>
      <Panel>
        <div className={layout.tools}>
          <SegmentedControl size="sm" aria-label="By" value={chosen} onChange={(value) => setBy(value === "path" ? "" : value)} data={Object.entries(BY).map(([value, { title }]) => ({ value, label: title }))} />
          <SegmentedControl size="sm" aria-label="Side" value={side || "dst"} onChange={(value) => setSide(value === "dst" ? "" : value)} data={[{ value: "dst", label: "To the destination" }, { value: "src", label: "To the source" }]} />
        </div>
      </Panel>
      {known ? <Traffic chosen={chosen} side={side || "dst"} /> : <Panel><EmptyState title="Flows of this store have no routes" icon="explore">Flows that are collected from now on do, where their exporter speaks BMP to Weft.</EmptyState></Panel>}
    </>
  );
}
