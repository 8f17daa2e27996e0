import { useMemo } from "react";
import { Breakdown, Tools, useGrouping, useScope } from "./parts";
import { allOf, REJECTED_BY } from "./words";

/** What was not let through: by port, source, destination, rule. */
export default function RejectedTab() {
  const scope = useScope();
  const [key, grouping, choose] = useGrouping(REJECTED_BY);
  const filter = useMemo(() => allOf("verdict = reject", scope.filter), [scope.filter]);
  return (
    <>
      <Tools scope={scope} groupings={REJECTED_BY} chosen={key} choose={choose} />
      <Breakdown title={`Rejected by ${grouping.one}`} grouping={grouping} filter={filter} measure="rejected" hint="log records of traffic that was not let through" empty="Nothing was rejected in this range" />
    </>
  );
}
