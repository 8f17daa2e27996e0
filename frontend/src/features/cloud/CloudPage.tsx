import { lazy } from "react";
import { useTimeSearch } from "../../app/time";
import { cloudPath } from "../../lib/links";
import { TabPage, type PagePart } from "../../ui/TabPage";

const PARTS: readonly PagePart[] = [
  { key: "", title: "Traffic", show: lazy(() => import("./TrafficTab")) },
  { key: "egress", title: "Leaving traffic", show: lazy(() => import("./EgressTab")) },
  { key: "rejected", title: "Rejected", show: lazy(() => import("./RejectedTab")) },
  { key: "inventory", title: "Inventory", show: lazy(() => import("./InventoryTab")) },
];

export default function CloudPage({ tab }: { tab: string }) {
  const kept = useTimeSearch();
  return <TabPage title="Cloud" subtitle="What the clouds' flow logs tell: who sends where, what was rejected, what leaves and at which price class" parts={PARTS} current={tab} hrefOf={(key) => cloudPath(key, kept)} />;
}
