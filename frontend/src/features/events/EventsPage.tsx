import { lazy } from "react";
import { useTimeSearch } from "../../app/time";
import { TabPage, type PagePart } from "../../ui/TabPage";
import { eventsPath } from "./words";

const PARTS: readonly PagePart[] = [
  { key: "", title: "Events", show: lazy(() => import("./EventList")) },
  { key: "policies", title: "Policies", show: lazy(() => import("./PoliciesTab")) },
  { key: "detectors", title: "Detectors", show: lazy(() => import("./DetectorsTab")) },
  { key: "feedback", title: "Feedback", show: lazy(() => import("./FeedbackTab")) },
  { key: "channels", title: "Notifications", show: lazy(() => import("./ChannelsTab")) },
];

export default function EventsPage({ part }: { part: string }) {
  const kept = useTimeSearch();
  return <TabPage title="Events" subtitle="What deviates, since when, how far from expected, and why it was raised" parts={PARTS} current={part} hrefOf={(key) => eventsPath(key, kept)} />;
}
