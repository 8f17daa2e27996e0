/** What the parts of the page share: which cloud is looked at, and a ranking with a chart above it. */
import { SegmentedControl, Select } from "@mantine/core";
import { useMemo, type ReactNode } from "react";
import { useView } from "../../api/queries";
import type { Query } from "../../api/types";
import { useParam } from "../../app/params";
import { useTime, useTimeSearch } from "../../app/time";
import { explorePath } from "../../lib/links";
import { format, grouped, share } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { DataTable, type Column } from "../../ui/DataTable";
import layout from "../../ui/layout.module.css";
import { Panel } from "../../ui/Panel";
import { ExploreLink } from "../../ui/Ranking";
import { EmptyState } from "../../ui/States";
import { SeriesPanel } from "../devices/SeriesPanel";
import { groupsOf, type Group } from "../explorer/groups";
import { clause } from "../filter/clause";
import { allOf, PROVIDERS, type Grouping } from "./words";

export interface Scope {
  filter: string;
  chosen: string;
  choose: (provider: string) => void;
}

/** The provider that the page is about, from its address. */
export function useScope(): Scope {
  const [provider, choose] = useParam("provider");
  const chosen = provider in PROVIDERS ? provider : "";
  return { chosen, choose, filter: chosen && clause([{ field: "provider", value: chosen }]) };
}

interface ToolsProps {
  scope: Scope;
  groupings?: Readonly<Record<string, Grouping>>;
  chosen?: string;
  choose?: (key: string) => void;
}

export function Tools({ scope, groupings, chosen, choose }: ToolsProps) {
  return (
    <Panel>
      <div className={layout.tools}>
        <Select
          aria-label="Provider" size="sm" w={170} allowDeselect={false} value={scope.chosen} onChange={(value) => scope.choose(value ?? "")}
          data={[{ value: "", label: "All clouds" }, ...Object.entries(PROVIDERS).map(([value, label]) => ({ value, label }))]}
        />
        {groupings && choose && <SegmentedControl size="sm" aria-label="By" value={chosen ?? ""} onChange={choose} data={Object.entries(groupings).map(([value, { title }]) => ({ value, label: title }))} />}
      </div>
    </Panel>
  );
}

/** One of several groupings, kept in the page's address; the first one is the usual. */
export function useGrouping(groupings: Readonly<Record<string, Grouping>>): [string, Grouping, (key: string) => void] {
  const [by, setBy] = useParam("by");
  const usual = Object.keys(groupings)[0] ?? "";
  const key = by in groupings ? by : usual;
  return [key, groupings[key] ?? { title: "", one: "", by: "" }, (chosen) => setBy(chosen === usual ? "" : chosen)];
}

interface BreakdownProps {
  title: string;
  grouping: Grouping;
  filter: string;
  /** The measure of the chart and the first of the table. */
  measure: "bps" | "rejected";
  empty: string;
  hint?: string;
  /** Names of values, where they are not their own. */
  words?: Readonly<Record<string, { word: string; meaning: string }>>;
}

/** Few: clouds tell sums of up to ten minutes, which a finer grid would show as spikes. */
const POINTS = 24;
const MEASURES = { bps: ["bps", "records", "rejected_share"], rejected: ["rejected", "records", "unique_src_addr"] } as const;

const count = (value: number | null): string => (value === null ? "–" : grouped(value));

const measured = (at: number, title: string, write: (value: number | null) => string, hint?: string): Column<Group> => ({
  key: title, title, numeric: true, hint, sort: (row) => row.measures[at] ?? null, render: (row) => write(row.measures[at] ?? null),
});

function columnsOf({ grouping, measure, words }: BreakdownProps): Column<Group>[] {
  const name = (row: Group): ReactNode => {
    const known = words?.[row.label];
    return known ? <span title={known.meaning}>{known.word}</span> : row.label === "unknown" ? <span className="faint">not told</span> : row.label;
  };
  const part: Column<Group> = { key: "share", title: "Share", numeric: true, sort: (row) => row.share, render: (row) => (row.share === null ? "–" : share(row.share, 1)) };
  const rest = measure === "bps"
    ? [measured(0, "Average", (value) => format(value, "bit/s")), part, measured(1, "Records", count, "Log records that hold a flow"), measured(2, "Rejected", (value) => format(value, "%"), "Share of the records that were not let through")]
    : [measured(0, "Rejected", count, "Log records of traffic that was not let through"), part, measured(2, "Sources", count, "Different source addresses")];
  return [{ key: "name", title: grouping.title, sort: (row) => row.label, render: name }, ...rest];
}

/** Course over time and ranking of one grouping. */
export function Breakdown(props: BreakdownProps) {
  const { title, grouping, measure, empty, hint, words } = props;
  const filter = allOf(grouping.filter ?? "", props.filter);
  const { range, interval } = useTime();
  const kept = useTimeSearch();
  const query = useMemo<Query>(() => ({ dataset: "cloud_flows", view: "series", measures: [...MEASURES[measure]], by: [grouping.by], filter, top: 50, other: true, points: 20, since: range.since, until: range.until }), [grouping.by, filter, measure, range]);
  const answer = useView(query, { refresh: interval || 60_000 });
  const posted = useMemo(() => ({ dataset: "cloud_flows", by: [grouping.by], measures: [measure === "bps" ? "bps" : "rejected"], filter, top: 8, points: POINTS }), [grouping.by, filter, measure]);
  return (
    <>
      <SeriesPanel title={title} {...(hint ? { hint } : {})} query={posted} kind="stacked" height={230} names={words} />
      <Panel title={grouping.title} hint="over the range" flush actions={<ExploreLink href={explorePath({ dataset: "cloud_flows", by: [grouping.by], filter, measures: [measure] }, kept)} of={grouping.title} />}>
        <Answer of={answer} rows={8}>
          {(result) => <DataTable columns={columnsOf(props)} rows={groupsOf(result)} rowKey={(row) => row.id} caption={grouping.title} maxHeight={520} pinned={(row) => row.other} empty={<EmptyState title={empty} icon="cloud" />} />}
        </Answer>
      </Panel>
    </>
  );
}
