/** A policy as the form holds it, and back. */
import type { Policy, PolicyCondition, PolicyPreview } from "../../api/types";

export type Condition = Omit<PolicyCondition, "threshold"> & { threshold: string };
export type Draft = Omit<Policy, "conditions" | "by"> & { conditions: Condition[]; by: string };

const NAMES = "abcdefgh";

export const condition = (used: readonly string[] = []): Condition => ({
  name: [...NAMES].find((name) => !used.includes(name)) ?? "x", dataset: "flows", measure: "bps", filter: "", against: "value", op: ">", threshold: "", missing: "auto",
});

export const fresh = (): Draft => ({
  name: "", enabled: true, description: "", group: "policy", severity: "major", by: "", conditions: [condition()], when: "", step_s: 60, for_s: 300, clear_s: 300,
});

export const draftOf = (policy: Policy): Draft => ({
  ...policy, by: policy.by.join(", "), conditions: policy.conditions.map((one) => ({ ...one, threshold: String(one.threshold) })),
});

const SCALES: Record<string, number> = { k: 1e3, M: 1e6, G: 1e9, T: 1e12 };

/** `2.5G` as 2 500 000 000; not a number where it is none. */
export function amountOf(text: string): number {
  const parts = /^([-+]?\d+(?:\.\d+)?)\s*([kMGT]?)$/.exec(text.trim());
  return parts ? Number(parts[1]) * (SCALES[parts[2] ?? ""] ?? 1) : Number.NaN;
}

/** What is missing before it can be previewed; empty = nothing. */
export function missing(draft: Draft): string {
  const empty = draft.conditions.find((one) => !one.measure.trim());
  if (empty) return `Condition ${empty.name} measures nothing yet.`;
  const wrong = draft.conditions.find((one) => Number.isNaN(amountOf(one.threshold)));
  return wrong ? `Condition ${wrong.name} needs a number, such as 80 or 2.5G.` : "";
}

export const policyOf = (draft: Draft): Policy => ({
  ...draft, name: draft.name.trim() || "New policy", by: draft.by.split(/[\s,]+/).filter(Boolean),
  conditions: draft.conditions.map((one) => ({ ...one, threshold: amountOf(one.threshold) })),
});

/** How often it would have fired, in a sentence. */
export function verdictOf(preview: PolicyPreview): string {
  const days = Math.max((preview.window.until - preview.window.since) / 86400, 1 / 24);
  const over = days >= 1.5 ? `${Math.round(days)} days` : `${Math.round(days * 24)} hours`;
  if (preview.series === 0) return `Nothing of what it asks for was there in these ${over}.`;
  if (preview.total === 0) return `It would not have fired once in ${over}, for any of ${preview.series} series.`;
  const often = Math.abs(preview.per_day - 1) < 0.05 ? "once a day" : preview.per_day > 1 ? `${Math.round(preview.per_day * 10) / 10} times a day` : `once in ${Math.round(1 / preview.per_day)} days`;
  return `It would have fired ${preview.total} ${preview.total === 1 ? "time" : "times"} in ${over} (${often}), for ${preview.fired_series} of ${preview.series} series.`;
}
