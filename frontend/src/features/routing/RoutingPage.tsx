import { lazy, Suspense, type ComponentType } from "react";
import { useTimeSearch } from "../../app/time";
import { routingPath } from "../../lib/links";
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
  { key: "", title: "Look-up", show: lazy(() => import("./LookupTab")) },
  { key: "sessions", title: "Sessions", show: lazy(() => import("./SessionsTab")) },
  { key: "churn", title: "Churn", show: lazy(() => import("./ChurnTab")) },
  { key: "validity", title: "RPKI", show: lazy(() => import("./ValidityTab")) },
  { key: "policy", title: "Policy", show: lazy(() => import("./PolicyTab")) },
  { key: "paths", title: "Traffic by AS path", show: lazy(() => import("./PathsTab")) },
];

export default function RoutingPage({ tab }: { tab: string }) {
  const kept = useTimeSearch();
  const part = PARTS.find((one) => one.key === tab) ?? PARTS[0];
  const Show = part?.show;
  return (
    <>
      <PageHeader title="Routing" subtitle="What routers know of any prefix, now or at any time, which path is best and why"><TimeRangePicker /></PageHeader>
      <TabLinks label="Routing" current={part?.key ?? ""} tabs={PARTS.map(({ key, title }) => ({ key, title, href: routingPath(key, {}, kept) }))} />
      <Suspense fallback={<LoadingState rows={8} />}>{Show && <Show />}</Suspense>
    </>
  );
}
