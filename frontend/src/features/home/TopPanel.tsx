import { memo, useMemo } from "react";
import { Link } from "wouter";
import { useView } from "../../api/queries";
import type { Query } from "../../api/types";
import { useTime } from "../../app/time";
import { explorePath } from "../../lib/links";
import type { TimeRange } from "../../lib/time";
import { format } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { Panel } from "../../ui/Panel";
import { ExploreLink, Ranking } from "../../ui/Ranking";
import { EmptyState } from "../../ui/States";
import { groupsOf, type Group } from "../explorer/groups";
import { clause } from "../filter/clause";

interface TopPanelProps {
  title: string;
  by: string;
  filter?: string;
  range: TimeRange;
}

function exploreLink(by: string, filter: string, range: TimeRange): string {
  const params = new URLSearchParams();
  if (range.since !== "now-6h") params.set("since", range.since);
  if (range.until !== "now") params.set("until", range.until);
  return explorePath({ by: [by], filter }, `?${params}`);
}

/** A short ranking; each line leads into the explorer. */
export const TopPanel = memo(function TopPanel({ title, by, filter = "", range }: TopPanelProps) {
  const { interval } = useTime();
  const query = useMemo<Query>(() => ({ view: "series", measures: ["bps"], by: [by], filter, top: 6, other: false, points: 10, since: range.since, until: range.until }), [by, filter, range]);
  const answer = useView(query, { refresh: interval || 60_000 });
  const into = (group: Group): string => exploreLink(by === "app" ? "src_as" : "app", [filter, clause(group.parts)].filter(Boolean).join(" AND "), range);
  return (
    <Panel title={title} actions={<ExploreLink href={exploreLink(by, filter, range)} of={title} />}>
      <Answer of={answer} rows={6}>
        {(result) => {
          const groups = groupsOf(result);
          if (groups.length === 0) return <EmptyState title="Nothing yet" icon="explore" />;
          return (
            <Ranking
              rows={groups.map((group) => ({
                id: group.id, value: group.average, slot: group.slot, figure: format(group.average, result.unit),
                name: <Link href={into(group)} title={group.label}>{group.label}</Link>,
              }))}
            />
          );
        }}
      </Answer>
    </Panel>
  );
});
