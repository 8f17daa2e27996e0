/** Time ranges as the API takes them (`now-6h`, ISO 8601, UTC seconds), their arithmetic and how they are written. */

export interface TimeRange {
  since: string;
  until: string;
}

/** Resolved range, UTC seconds, end exclusive. */
export interface Span {
  since: number;
  until: number;
}

export type Zone = "local" | "utc";

const UNIT_SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };
const UNIT_NAMES: Record<string, string> = { s: "second", m: "minute", h: "hour", d: "day", w: "week" };

export const PRESETS: readonly { label: string; range: TimeRange }[] = [
  ["Last 15 minutes", "15m"], ["Last hour", "1h"], ["Last 3 hours", "3h"], ["Last 6 hours", "6h"], ["Last 12 hours", "12h"],
  ["Last 24 hours", "24h"], ["Last 2 days", "2d"], ["Last 7 days", "7d"], ["Last 30 days", "30d"], ["Last 90 days", "90d"],
].map(([label, offset]) => ({ label: label as string, range: { since: `now-${offset}`, until: "now" } }));

const RELATIVE = /^now(?:-(\d+)([smhdw]))?(?:\/([mhdw]))?$/;

/** One moment as UTC seconds; null where the text means nothing. */
export function moment(text: string, now: number): number | null {
  const relative = RELATIVE.exec(text.trim());
  if (relative) {
    const back = relative[1] ? Number(relative[1]) * (UNIT_SECONDS[relative[2] ?? "s"] ?? 1) : 0;
    const at = now - back;
    const round = relative[3] ? (UNIT_SECONDS[relative[3]] ?? 1) : 1;
    return Math.floor(at / round) * round;
  }
  if (/^\d{9,11}$/.test(text.trim())) return Number(text);
  const parsed = Date.parse(text);
  return Number.isNaN(parsed) ? null : Math.floor(parsed / 1000);
}

export function resolve(range: TimeRange, now: number): Span | null {
  const since = moment(range.since, now);
  const until = moment(range.until, now);
  return since === null || until === null || since >= until ? null : { since, until };
}

export const isRelative = (range: TimeRange): boolean => range.until.startsWith("now") && range.since.startsWith("now");

export const absolute = (span: Span): TimeRange => ({ since: String(Math.round(span.since)), until: String(Math.round(span.until)) });

/** Move by half the range: `direction` −1 to the past, 1 to the future (never beyond now). */
export function shifted(span: Span, direction: -1 | 1, now: number): TimeRange {
  const width = span.until - span.since;
  const until = Math.min(span.until + (direction * width) / 2, now);
  return absolute({ since: until - width, until });
}

/** Twice the width around the same middle, not beyond now. */
export function zoomedOut(span: Span, now: number): TimeRange {
  const width = span.until - span.since;
  const until = Math.min(span.until + width / 2, now);
  return absolute({ since: until - width * 2, until });
}

function formatter(zone: Zone, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat("en-GB", { ...options, hour12: false, ...(zone === "utc" ? { timeZone: "UTC" } : {}) });
}

const cache = new Map<string, Intl.DateTimeFormat>();

function cached(name: string, zone: Zone, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = name + zone;
  const known = cache.get(key) ?? formatter(zone, options);
  cache.set(key, known);
  return known;
}

/** `22 Nov 2026, 19:30` */
export function dateTime(seconds: number, zone: Zone, withSeconds = false): string {
  const options: Intl.DateTimeFormatOptions = { day: "2-digit", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" };
  return cached(`full${withSeconds}`, zone, withSeconds ? { ...options, second: "2-digit" } : options).format(seconds * 1000);
}

/** `19:30:05.250`, of UTC milliseconds; with `withDay` `22 Nov 19:30:05.250`. */
export function clockTime(millis: number, zone: Zone, withDay = false): string {
  const options: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 };
  const text = cached("ms", zone, options).format(millis);
  return withDay ? `${cached("d", zone, { day: "2-digit", month: "short" }).format(millis)} ${text}` : text;
}

/** Only what is needed on an axis or in a tooltip of a range this wide. */
export function tick(seconds: number, zone: Zone, width: number): string {
  if (width <= 600) return cached("hms", zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(seconds * 1000);
  if (width <= 86400) return cached("hm", zone, { hour: "2-digit", minute: "2-digit" }).format(seconds * 1000);
  if (width <= 4 * 86400) {
    return cached("dhm", zone, { day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit" }).format(seconds * 1000);
  }
  return cached("d", zone, { day: "2-digit", month: "short" }).format(seconds * 1000);
}

/** `Last 6 hours`, or the two ends. */
export function rangeLabel(range: TimeRange, zone: Zone, now: number): string {
  const relative = range.until === "now" ? /^now-(\d+)([smhdw])$/.exec(range.since) : null;
  if (relative) {
    const count = Number(relative[1]);
    const name = UNIT_NAMES[relative[2] ?? "h"] ?? "";
    return count === 1 ? `Last ${name}` : `Last ${count} ${name}s`;
  }
  const span = resolve(range, now);
  if (!span) return `${range.since} – ${range.until}`;
  const sameDay = dateTime(span.since, zone).slice(0, 11) === dateTime(span.until, zone).slice(0, 11);
  const end = sameDay ? tick(span.until, zone, 3600) : dateTime(span.until, zone);
  return `${dateTime(span.since, zone)} – ${end}`;
}

/** `12 s ago`, `3 min ago`, `just now`. */
export function ago(seconds: number, now: number): string {
  const age = now - seconds;
  if (age < 2) return "just now";
  for (const [size, name] of [[86400, "d"], [3600, "h"], [60, "min"]] as const) {
    if (age >= size) return `${Math.floor(age / size)} ${name} ago`;
  }
  return `${Math.floor(age)} s ago`;
}

/** Local or UTC text for a `datetime-local` input, and back. */
export function toInput(seconds: number, zone: Zone): string {
  const offset = zone === "utc" ? 0 : new Date(seconds * 1000).getTimezoneOffset() * 60;
  return new Date((seconds - offset) * 1000).toISOString().slice(0, 16);
}

export function fromInput(text: string, zone: Zone): number | null {
  const parsed = Date.parse(zone === "utc" ? `${text}Z` : text);
  return Number.isNaN(parsed) ? null : Math.floor(parsed / 1000);
}
