/** Reading of the comparison of flows with interface counters: words, colours, the length of the bar. */
import type { ReconciledRow, Source, Exporter } from "../../api/types";
import type { Status } from "../../ui/Status";

export const VERDICTS: readonly { verdict: string; word: string; status: Status; meaning: string }[] = [
  { verdict: "off", word: "Off", status: "bad", meaning: "Flows and counters differ by more than sampling explains" },
  { verdict: "no_flows", word: "No flows", status: "warn", meaning: "Counters count traffic that no flow tells of" },
  { verdict: "no_counters", word: "No counters", status: "warn", meaning: "Flows tell of traffic on an interface that nothing counts" },
  { verdict: "agrees", word: "Agrees", status: "good", meaning: "Flows and counters say the same" },
  { verdict: "idle", word: "Idle", status: "idle", meaning: "Too little traffic to compare" },
];

export const verdictOf = (verdict: string) => VERDICTS.find((one) => one.verdict === verdict) ?? { verdict, word: verdict, status: "idle" as const, meaning: "" };

/** Where the bar begins and how long it is, in per cent of its track: 1 lies in the middle, 0 left, 2 and more right. */
export function bar(ratio: number): { left: number; width: number } {
  const at = Math.max(0, Math.min(2, ratio)) * 50;
  return { left: Math.min(50, at), width: Math.max(2, Math.abs(at - 50)) };
}

/** `0.98`, `12 ×`, `< 0.01`. */
export function ratioText(ratio: number | null): string {
  if (ratio === null) return "–";
  if (ratio > 0 && ratio < 0.01) return "< 0.01";
  return ratio >= 10 ? `${Math.round(ratio)}\u00a0×` : ratio.toFixed(2);
}

export const interfaceOf = (row: Pick<ReconciledRow, "device" | "interface" | "direction">): string => `${row.device}: ${row.interface} ${row.direction}`;

export interface Weakness {
  id: string;
  kind: string;
  name: string;
  /** What it does to answers, in a few words. */
  what: string;
  status: Status;
}

const COVERED = 0.99;
const SKEWED_S = 5;

/** Sources that make answers incomplete or late: silent, with gaps, with wrong clocks. */
export function weaknesses(sources: readonly Source[], exporters: readonly Exporter[]): Weakness[] {
  const out: Weakness[] = [];
  for (const one of exporters) {
    const lost = one.loss_share > 0.001;
    if (one.status === "ok" && !lost) continue;
    out.push({ id: `flow:${one.address}`, kind: "flow", name: one.name, what: one.reasons[0]?.title.replace(`${one.name}: `, "") ?? `${(one.loss_share * 100).toFixed(1)} % lost on the way`, status: one.status === "critical" ? "bad" : "warn" });
  }
  for (const one of sources) {
    const said: string[] = [];
    if (one.state === "failing") said.push("brings nothing: every attempt fails");
    if (one.state === "silent") said.push("silent");
    if (one.coverage !== null && one.coverage < COVERED && one.state !== "starting") said.push(`${Math.floor(one.coverage * 100)} % of the last hour came`);
    if (one.clock_skew_s !== null && Math.abs(one.clock_skew_s) > SKEWED_S) said.push(`clock ${Math.round(Math.abs(one.clock_skew_s))} s ${one.clock_skew_s > 0 ? "ahead" : "behind"}`);
    if (one.gaps > 0) said.push(`${one.gaps} gaps`);
    if (said.length > 0) out.push({ id: one.id, kind: one.kind, name: one.name, what: said.join(", "), status: one.status === "critical" ? "bad" : one.status === "warning" ? "warn" : "idle" });
  }
  const rank = { bad: 0, warn: 1, idle: 2, good: 3 };
  return out.toSorted((a, b) => rank[a.status] - rank[b.status] || a.name.localeCompare(b.name));
}
