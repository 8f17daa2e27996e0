/** What events, detectors and feedback are called, and where their pages are. */
import type { Detector, EventGroup, EventRow, EventState, Feedback, Severity } from "../../api/types";
import { devicePath, interfacePath, routingPath, withParams } from "../../lib/links";
import { duration } from "../../lib/units";
import type { Status } from "../../ui/Status";

export const SEVERITIES: readonly Severity[] = ["critical", "major", "minor", "info"];
export const GROUPS: Record<EventGroup, string> = {
  link: "Links", device: "Devices", routing: "Routing", traffic: "Traffic", security: "Security", path: "Paths", cloud: "Cloud", fabric: "AI fabric",
  business: "Business", change: "Changes", telemetry: "Telemetry", policy: "Policies",
};

const SEVERITY_STATUS: Record<Severity, Status> = { critical: "bad", major: "warn", minor: "idle", info: "idle" };
export const severityStatus = (severity: Severity): Status => SEVERITY_STATUS[severity];
export const severityWord = (severity: Severity): string => severity.charAt(0).toUpperCase() + severity.slice(1);
export const severityRank = (severity: Severity): number => SEVERITIES.length - SEVERITIES.indexOf(severity);

const STATES: Record<EventState, string> = { open: "Open", closed: "Over", suppressed: "Suppressed" };
/** How an event stands; one that was suppressed as it ended says so. */
export const stateWord = (event: Pick<EventRow, "state" | "suppressed_by">): string => (event.state === "closed" && event.suppressed_by ? "Over, suppressed" : STATES[event.state]);

export const eventsPath = (part = "", kept = "", params: Readonly<Record<string, string>> = {}): string => withParams(part ? `/events/${part}` : "/events", kept, params);
/** Ids hold no slashes, and parts of the page are no ids: an event has a path of its own. */
export const eventPath = (id: string, kept = ""): string => withParams(`/events/e/${encodeURIComponent(id)}`, kept, {});

const KINDS: Record<string, string> = {
  device: "Device", interface: "Interface", link: "Line", site: "Site", prefix: "Prefix", asn: "AS", peer: "BGP session", host: "Host", service: "Service",
  provider: "Provider", test: "Test", job: "Job", domain: "Domain", exporter: "Exporter", source: "Source", business: "Business series", network: "Network",
};
export const entityKind = (kind: string): string => KINDS[kind] ?? kind.charAt(0).toUpperCase() + kind.slice(1).replaceAll("_", " ");

interface Named {
  kind: string;
  id: string;
  title?: string | undefined;
}

/** What people call an entity: `chi-border1 et-0/0/0`. */
export const entityName = (entity: Named): string => entity.title || entity.id.replace("|", " ");

/** The page of an entity; null where it has none. */
export function entityPage(entity: Named, kept = ""): string | null {
  const [first = "", second = ""] = entity.id.split("|");
  switch (entity.kind) {
    case "device": return devicePath(entity.id, kept);
    case "interface": return second ? interfacePath(first, second, kept) : null;
    case "peer": return devicePath(first, kept);
    case "prefix": return routingPath("", { prefix: entity.id }, kept);
    default: return null;
  }
}

export const VERDICTS: Record<Feedback["verdict"], string> = { not_an_issue: "Not an issue", expected: "Expected", snooze: "Snoozed" };
export const SCOPES: { value: Feedback["scope"]; label: string }[] = [
  { value: "series", label: "the like of it: same kind, same place" },
  { value: "event", label: "this one alone" },
  { value: "entity", label: "everything about this place" },
  { value: "kind", label: "this kind, everywhere" },
];
export const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"] as const;
export const clock = (minute: number): string => `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;

/** When `expected` holds, in words. */
export function timesOf(one: Pick<Feedback, "weekday" | "from_minute" | "to_minute" | "time_zone">): string {
  const day = one.weekday === null ? "every day" : `${WEEKDAYS[one.weekday] ?? ""}s`;
  const hours = one.from_minute === null || one.to_minute === null ? "" : ` ${clock(one.from_minute)}–${clock(one.to_minute)} ${one.time_zone}`;
  return day + hours;
}

/** Minutes of the day, from `09:30`; null where it is not one. */
export function minuteOf(text: string): number | null {
  const parts = /^(\d{1,2}):(\d{2})$/.exec(text.trim());
  const [hours, minutes] = [Number(parts?.[1]), Number(parts?.[2])];
  return parts && hours <= 24 && minutes < 60 && hours * 60 + minutes <= 1440 ? hours * 60 + minutes : null;
}

const DETECTOR_STATES: Record<Detector["state"], readonly [string, Status]> = {
  off: ["Off", "idle"], waiting: ["Nothing to watch", "idle"], learning: ["Learning", "idle"], watching: ["Watching", "good"], failing: ["Failing", "bad"],
};
export const detectorState = (state: Detector["state"]): readonly [string, Status] => DETECTOR_STATES[state];

/** The same in words; what is of a moment lasts no time. */
export const lastedText = (event: Pick<EventRow, "started_s" | "ended_s">, now: number): string => (lasted(event, now) < 1 ? "a moment" : duration(Math.round(lasted(event, now))));

/** How long an event lasted, or has lasted. */
export const lasted = (event: Pick<EventRow, "started_s" | "ended_s">, now: number): number => Math.max(0, (event.ended_s ?? now) - event.started_s);
