import { useMemo } from "react";
import { Link } from "wouter";
import { useView } from "../../api/queries";
import type { DeviceInterface, Query } from "../../api/types";
import { useTime, useTimeSearch } from "../../app/time";
import { explorePath } from "../../lib/links";
import { format, share } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import layout from "../../ui/layout.module.css";
import { Panel } from "../../ui/Panel";
import { ExploreLink, Ranking } from "../../ui/Ranking";
import { EmptyState } from "../../ui/States";
import { groupsOf } from "../explorer/groups";
import { clause, narrowed } from "../filter/clause";
import { ShowQuery } from "./ShowQuery";

function Top({ title, by, filter }: { title: string; by: string; filter: string }) {
  const { range, interval } = useTime();
  const kept = useTimeSearch();
  const query = useMemo<Query>(() => ({ dataset: "flows", view: "series", measures: ["bps"], by: [by], filter, top: 6, other: true, points: 10, since: range.since, until: range.until }), [by, filter, range]);
  const answer = useView(query, { refresh: interval || 60_000 });
  return (
    <Panel title={title} hint="by flows" actions={<><ShowQuery query={query} what={title} result={answer.data} /><ExploreLink href={explorePath({ by: [by], filter }, kept)} of={title} /></>}>
      <Answer of={answer} rows={6}>
        {(result) => {
          const groups = groupsOf(result);
          const total = result.totals["bps"] ?? 0;
          if (groups.length === 0) return <EmptyState title="No flow names this interface" icon="explore">The device exports none, or its exporter numbers interfaces otherwise.</EmptyState>;
          return (
            <Ranking
              rows={groups.map((group) => ({
                id: group.id, value: group.average, slot: group.slot,
                name: group.other ? <span>Other</span> : <Link href={explorePath({ by: [by === "app" ? "src_addr" : "app"], filter: narrowed(filter, clause(group.parts)) }, kept)} title={group.label}>{group.label}</Link>,
                figure: <>{format(group.average, result.unit)} <small className="faint">{share(group.average ?? 0, total)}</small></>,
              }))}
            />
          );
        }}
      </Answer>
    </Panel>
  );
}

/** Who and what uses the interface, by the flow records of its device. */
export function InterfaceFlows({ view }: { view: DeviceInterface }) {
  const { flow_filter: filter } = view;
  if (!filter) {
    return <Panel title="Flows on it"><EmptyState title="Flows cannot be tied to it" icon="explore">Flow records name interfaces by ifIndex; that of this interface is not known. SNMP, gNMI or an interfaces table tell it.</EmptyState></Panel>;
  }
  return (
    <div className={layout.three}>
      <Top title="Sources" by="src_addr" filter={filter} />
      <Top title="Destinations" by="dst_addr" filter={filter} />
      <Top title="Applications" by="app" filter={filter} />
    </div>
  );
}
