/** Every number on the screen is written here: one place for prefixes, precision and unit names. */

export interface Written {
  value: string;
  unit: string;
}

const SI = ["", "k", "M", "G", "T", "P", "E"] as const;
const MINUS = "−";

/** At most `digits` significant digits, never scientific, with a true minus sign. */
export function significant(value: number, digits = 3): string {
  if (value === 0) return "0";
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  const decimals = Math.max(0, Math.min(6, digits - 1 - magnitude));
  const text = Math.abs(value).toFixed(decimals);
  const trimmed = text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  return value < 0 && Number(trimmed) !== 0 ? MINUS + trimmed : trimmed;
}

function scaled(value: number): { value: number; prefix: string } {
  let size = Math.abs(value);
  let step = 0;
  while (size >= 999.5 && step < SI.length - 1) {
    size /= 1000;
    step += 1;
  }
  return { value: Math.sign(value) * size, prefix: SI[step] ?? "" };
}

/** Whole numbers with thin spaces between thousands: 12 345. */
export function grouped(value: number): string {
  const text = Math.abs(Math.round(value)).toString().replace(/\B(?=(\d{3})+$)/g, "\u2009");
  return value < 0 ? MINUS + text : text;
}

/** `90` → `1 min 30 s`; at most two parts. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 0) return MINUS + duration(-seconds);
  if (seconds > 0 && seconds < 1e-3) return `${significant(seconds * 1e6)} µs`;
  if (seconds < 1) return `${significant(seconds * 1000)} ms`;
  if (seconds < 60) return `${significant(seconds)} s`;
  const parts: [number, string][] = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const out: string[] = [];
  let rest = Math.round(seconds);
  for (const [size, name] of parts) {
    const count = Math.floor(rest / size);
    if (count > 0) out.push(`${count} ${name}`);
    rest -= count * size;
    if (out.length === 2) break;
  }
  return out.join(" ");
}

/** As the catalogue names rates of counted things, and as people say them. */
const COUNTED: Record<string, string> = {
  "packet/s": "packets/s", "flow/s": "flows/s", "message/s": "messages/s", "error/s": "errors/s", "update/s": "updates/s", "transition/s": "transitions/s",
};
/** Units that the prefix is part of: Gbit/s, not "G bit/s". */
const PREFIXED = new Set(["bit/s", "bit", "B", "B/s", "W", "V", "A", "Hz", "J"]);
/** Units that take no prefix: 31 000 rpm, −12.3 dBm. */
const UNSCALED = new Set(["dBm", "dB", "°C", "rpm", "mA"]);
/** Units of time, in seconds. */
const SECONDS: Record<string, number> = { s: 1, ms: 1e-3, "µs": 1e-6, us: 1e-6, ns: 1e-9 };

/** What people call a unit. */
export const unitName = (unit: string): string => COUNTED[unit] ?? unit;

/** Whether zero means "none of it", so that a chart must show it: not so of temperatures on a logarithmic scale. */
export const fromZero = (unit: string): boolean => unit !== "dBm" && unit !== "dB";

/** A value and its unit apart, for large figures. */
export function write(value: number | null | undefined, unit: string): Written {
  if (value === null || value === undefined || !Number.isFinite(value)) return { value: "–", unit: "" };
  if (unit === "%") return { value: value > 0 && value < 0.01 ? "< 0.01" : significant(value), unit: "%" };
  const seconds = SECONDS[unit];
  if (seconds !== undefined) return { value: value === 0 ? "0 s" : duration(value * seconds), unit: "" };
  if (UNSCALED.has(unit)) return { value: Math.abs(value) >= 1000 ? grouped(value) : significant(value), unit };
  const { value: size, prefix } = scaled(value);
  if (PREFIXED.has(unit)) return { value: significant(size), unit: prefix + unit };
  if (!unit) return { value: prefix ? `${significant(size)}\u202f${prefix}` : significant(size), unit };
  return { value: significant(size), unit: `${prefix} ${unitName(unit)}`.trim() };
}

/** `1.24 Gbit/s`, `12.3 k packets/s`, `42 %`. */
export function format(value: number | null | undefined, unit: string): string {
  const written = write(value, unit);
  return written.unit ? `${written.value}\u00a0${written.unit}` : written.value;
}

/** For axes: the same, without repeating the unit on zero. */
export const axisLabel = (unit: string) => (value: number): string => (value === 0 ? "0" : format(value, unit));

/** Share of a whole, `0.123` → `12.3 %`; tiny shares stay visible. */
export function share(part: number, whole: number): string {
  if (!(whole > 0) || !Number.isFinite(part)) return "–";
  const percent = (part / whole) * 100;
  if (percent > 0 && percent < 0.1) return "< 0.1\u00a0%";
  return `${percent >= 99.95 ? "100" : percent.toFixed(1)}\u00a0%`;
}

/** Change from `before` to `now`: `+4.1 %`, `new` where there was nothing. */
export function change(now: number | null, before: number | null | undefined): string {
  if (now === null || before === null || before === undefined) return "–";
  if (before === 0) return now === 0 ? "0 %" : "new";
  const percent = ((now - before) / before) * 100;
  const text = Math.abs(percent) >= 1000 ? `${significant(Math.abs(percent) / 100 + 1, 2)}×` : `${Math.abs(percent).toFixed(1)}\u00a0%`;
  if (Math.abs(percent) < 0.05) return "±0\u00a0%";
  return (percent > 0 ? "+" : MINUS) + text;
}

/** `3 exporters`, `1 exporter`. */
export const plural = (count: number, noun: string): string => `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
