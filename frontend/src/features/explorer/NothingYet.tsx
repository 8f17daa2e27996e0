import { Link } from "wouter";
import { sourcesPath } from "../../lib/links";
import { EmptyState } from "../../ui/States";
import { KINDS } from "../sources/kinds";

const WHAT: Record<string, string> = {
  flows: "No flow was recorded in this range", metrics: "No metric was collected in this range", logs: "No message was received in this range", changes: "No change is known in this range",
  business: "No value of a business series in this range", events: "No event began or ended in this range",
};

/** Nothing at all in a dataset: which sources would fill it, and where their settings are told. */
export function NothingYet({ dataset }: { dataset: string }) {
  const kinds = KINDS.filter((one) => one.dataset === dataset);
  return (
    <EmptyState title={WHAT[dataset] ?? "Nothing in this range"} icon="exporters">
      {kinds.length > 0 && <>Try a wider range, or see how to set up {kinds.map((one, index) => <span key={one.kind}>{index > 0 && (index === kinds.length - 1 ? " or " : ", ")}<Link href={sourcesPath({ kind: one.kind })}>{one.title}</Link></span>)}.</>}
    </EmptyState>
  );
}
