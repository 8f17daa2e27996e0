import { lazy, Suspense, type ComponentType } from "react";
import { useTimeSearch } from "../../app/time";
import { cloudPath } from "../../lib/links";
import { PageHeader } from "../../ui/PageHeader";
import { LoadingState } from "../../ui/States";
import { TabLinks } from "../../ui/TabLinks";
import { TimeRangePicker } from "../../ui/TimeRangePicker";

interface Part {
  key: string;
  title: string;
  show: ComponentType;
}

const PARTS: readonly Part[] = [
  { key: "", title: "Traffic", show: lazy(() => import("./TrafficTab")) },
  { key: "egress", title: "Leaving traffic", show: lazy(() => import("./EgressTab")) },
  { key: "rejected", title: "Rejected", show: lazy(() => import("./RejectedTab")) },
  { key: "inventory", title: "Inventory", show: lazy(() => import("./InventoryTab")) },
];

export default function CloudPage({ tab }: { tab: string }) {
  const kept = useTimeSearch();
  const part = PARTS.find((one) => one.key === tab) ?? PARTS[0];
  const Show = part?.show;
  return (
    <>
      <PageHeader title="Cloud" subtitle="What the clouds' flow logs tell: who sends where, what was rejected, what leaves and at which price class"><TimeRangePicker /></PageHeader>
      <TabLinks label="Cloud" current={part?.key ?? ""} tabs={PARTS.map(({ key, title }) => ({ key, title, href: cloudPath(key, kept) }))} />
      <Suspense fallback={<LoadingState rows={8} />}>{Show && <Show />}</Suspense>
    </>
  );
}
