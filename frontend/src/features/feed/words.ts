/** What is shown of logs and of changes: columns, what the histogram and the facets are by, how values look. */
import type { IconName } from "../../ui/Icon";

/** How a value looks; the same four as a status, and two without alarm. */
export type Tone = "bad" | "warn" | "note" | "plain" | "faint";

export const SEVERITIES = ["emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"] as const;

const TONES: Record<string, Tone> = {
  emergency: "bad", alert: "bad", critical: "bad", error: "bad", warning: "warn", notice: "note", info: "plain", debug: "faint",
};

export const severityTone = (severity: string): Tone => TONES[severity] ?? "plain";

const ICONS: Record<Tone, IconName> = { bad: "bad", warn: "warn", note: "info", plain: "dots", faint: "dots" };
export const toneIcon = (tone: Tone): IconName => ICONS[tone];

const KIND_ICONS: Record<string, IconName> = { config: "code", deployment: "up", ticket: "save", maintenance: "clock", inventory: "exporters", other: "dots" };
export const kindIcon = (kind: string): IconName => KIND_ICONS[kind] ?? "dots";

/** What a device's stamp is worth, in a sentence. */
export const CLOCKS: Record<string, string> = {
  synchronised: "The device says that its clock is synchronised, or its stamps agree with their arrival",
  unsynchronised: "The device says itself that its clock is not synchronised",
  coarse: "Its stamps are of whole seconds and agree with their arrival",
  wrong: "Its clock disagrees with ours, so the time of arrival is shown",
  uptime: "Its stamp counts from its start, so the time of arrival is shown",
  none: "It gave no stamp, so the time of arrival is shown",
};

export interface FeedWords {
  /** One of them, and several. */
  noun: string;
  /** What the bars over time are split by. */
  split: string;
  /** Dimensions of a record. */
  columns: readonly string[];
  facets: readonly string[];
  /** Fields that the search box looks in. */
  searched: readonly string[];
  searchLabel: string;
}

export const FEEDS: Record<string, FeedWords> = {
  logs: {
    noun: "message", split: "severity",
    columns: ["exporter", "host", "severity", "facility", "program", "process_id", "message_id", "event", "component", "interface", "clock", "source", "template", "fields", "message"],
    facets: ["severity", "event", "exporter", "program", "component", "source"],
    searched: ["message"], searchLabel: "Search messages",
  },
  changes: {
    noun: "change", split: "kind",
    columns: ["exporter", "host", "kind", "source", "author", "component", "change_id", "reference", "title", "detail"],
    facets: ["kind", "author", "exporter", "component", "source"],
    searched: ["title", "detail"], searchLabel: "Search changes",
  },
};
