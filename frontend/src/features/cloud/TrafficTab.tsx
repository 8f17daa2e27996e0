import { useMemo } from "react";
import { useView } from "../../api/queries";
import type { Query } from "../../api/types";
import { useTime } from "../../app/time";
import { Answer } from "../../ui/Answer";
import layout from "../../ui/layout.module.css";
import { Panel } from "../../ui/Panel";
import { Stat } from "../../ui/Stat";
import { Breakdown, Tools, useGrouping, useScope } from "./parts";
import { TRAFFIC_BY } from "./words";

const FIGURES = ["bps", "records", "rejected_share", "intervals_skipped", "unique_vpc", "unique_instance"];

function Figures({ filter }: { filter: string }) {
  const { range, interval } = useTime();
  const query = useMemo<Query>(() => ({ dataset: "cloud_flows", view: "table", by: [], measures: FIGURES, filter, since: range.since, until: range.until }), [filter, range]);
  const answer = useView(query, { refresh: interval || 60_000 });
  return (
    <Panel>
      <Answer of={answer} rows={2}>
        {(result) => {
          const figure = (name: string): number | null => {
            const value = result.rows[0]?.[result.columns.findIndex((column) => column.name === name)];
            return typeof value === "number" ? value : null;
          };
          const lost = figure("intervals_skipped");
          return (
            <div className={layout.stats}>
              <Stat label="Traffic" value={figure("bps")} unit="bit/s" note="each packet once" />
              <Stat label="Records" value={figure("records")} note="of both ends" />
              <Stat label="Rejected" value={figure("rejected_share")} unit="%" note="of the records" />
              <Stat label="Networks" value={figure("unique_vpc")} note="that logged" />
              <Stat label="Instances" value={figure("unique_instance")} note="that logged" />
              <Stat label="Lost by providers" value={lost} note={lost ? "intervals with skipped records" : "no interval"} />
            </div>
          );
        }}
      </Answer>
    </Panel>
  );
}

/** Who sends how much: by network, subnet, region, gateway. */
export default function TrafficTab() {
  const scope = useScope();
  const [key, grouping, choose] = useGrouping(TRAFFIC_BY);
  return (
    <>
      <Tools scope={scope} groupings={TRAFFIC_BY} chosen={key} choose={choose} />
      <Figures filter={scope.filter} />
      <Breakdown title={`Traffic by ${grouping.one}`} grouping={grouping} filter={scope.filter} measure="bps" hint="each packet once, corrected for sampling" empty="No cloud traffic in this range" />
    </>
  );
}
