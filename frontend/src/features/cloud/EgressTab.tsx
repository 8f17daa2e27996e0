import { useMemo } from "react";
import { Select } from "@mantine/core";
import { useParam } from "../../app/params";
import { Panel } from "../../ui/Panel";
import { clause } from "../filter/clause";
import { Breakdown, Tools, useScope } from "./parts";
import { allOf, DESTINATIONS, TRAFFIC_BY, type Grouping } from "./words";

const BY_DESTINATION: Grouping = { title: "Where it goes", one: "destination", by: "destination" };
const BY_SENDER: Grouping = TRAFFIC_BY["instance"] ?? BY_DESTINATION;
const LEAVES = "direction = egress AND verdict = accept";

/** What leaves, by the class that it is billed by, and who sends it there. */
export default function EgressTab() {
  const scope = useScope();
  const [to, setTo] = useParam("to");
  const filter = useMemo(() => allOf(LEAVES, scope.filter), [scope.filter]);
  const towards = to in DESTINATIONS ? to : "internet";
  const narrowed = useMemo(() => allOf(filter, clause([{ field: "destination", value: towards }])), [filter, towards]);
  return (
    <>
      <Tools scope={scope} />
      <Breakdown title="Leaving traffic by destination" grouping={BY_DESTINATION} filter={filter} measure="bps" words={DESTINATIONS} hint="accepted, corrected for sampling" empty="Nothing left in this range" />
      <Panel>
        <Select
          aria-label="Senders towards" size="sm" w={240} allowDeselect={false} value={towards} onChange={(value) => setTo(value === "internet" ? "" : (value ?? ""))}
          data={Object.entries(DESTINATIONS).map(([value, { word }]) => ({ value, label: `Towards: ${word}` }))}
        />
      </Panel>
      <Breakdown title={`Senders towards: ${DESTINATIONS[towards]?.word}`} grouping={BY_SENDER} filter={narrowed} measure="bps" empty="Nothing went there in this range" />
    </>
  );
}
