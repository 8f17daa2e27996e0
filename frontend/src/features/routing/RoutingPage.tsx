import { lazy } from "react";
import { useTimeSearch } from "../../app/time";
import { routingPath } from "../../lib/links";
import { TabPage, type PagePart } from "../../ui/TabPage";

const PARTS: readonly PagePart[] = [
  { key: "", title: "Look-up", show: lazy(() => import("./LookupTab")) },
  { key: "sessions", title: "Sessions", show: lazy(() => import("./SessionsTab")) },
  { key: "churn", title: "Churn", show: lazy(() => import("./ChurnTab")) },
  { key: "validity", title: "RPKI", show: lazy(() => import("./ValidityTab")) },
  { key: "policy", title: "Policy", show: lazy(() => import("./PolicyTab")) },
  { key: "paths", title: "Traffic by AS path", show: lazy(() => import("./PathsTab")) },
];

export default function RoutingPage({ tab }: { tab: string }) {
  const kept = useTimeSearch();
  return <TabPage title="Routing" subtitle="What routers know of any prefix, now or at any time, which path is best and why" parts={PARTS} current={tab} hrefOf={(key) => routingPath(key, {}, kept)} />;
}
