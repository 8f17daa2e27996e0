import { memo, useMemo } from "react";
import { Link } from "wouter";
import { useView } from "../../api/queries";
import type { Query } from "../../api/types";
import { useTime } from "../../app/time";
import { cssColor } from "../../charts/theme";
import { explorePath } from "../../lib/links";
import type { TimeRange } from "../../lib/time";
import { format } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { Icon } from "../../ui/Icon";
import { Panel } from "../../ui/Panel";
import { EmptyState } from "../../ui/States";
import { groupsOf, type Group } from "../explorer/groups";
import { clause } from "../filter/clause";
import css from "./home.module.css";

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
    <Panel title={title} actions={<Link href={exploreLink(by, filter, range)} className={css.more} aria-label={`Explore ${title.toLowerCase()}`}>Explore <Icon name="right" size={12} /></Link>}>
      <Answer of={answer} rows={6}>
        {(result) => {
          const groups = groupsOf(result);
          const most = Math.max(...groups.map((group) => group.average ?? 0)) || 1;
          if (groups.length === 0) return <EmptyState title="Nothing yet" icon="explore" />;
          return (
            <ol className={css.ranking}>
              {groups.map((group) => (
                <li key={group.id}>
                  <Link href={into(group)} title={group.label}>{group.label}</Link>
                  <span>{format(group.average, result.unit)}</span>
                  <b><b style={{ width: `${100 * (group.average ?? 0) / most}%`, background: cssColor(group.slot) }} /></b>
                </li>
              ))}
            </ol>
          );
        }}
      </Answer>
    </Panel>
  );
});
