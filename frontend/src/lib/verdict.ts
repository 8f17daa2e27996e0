/** The server's verdicts in the four words and colours that the page has for status. */
import type { Verdict } from "../api/types";
import type { Status } from "../ui/Status";

export const statusOf = (verdict: Verdict): Status => ({ ok: "good", warning: "warn", critical: "bad", unknown: "idle" } as const)[verdict];
/** How much it needs attention: what is worst sorts highest. */
export const rankOf = (verdict: Verdict): number => ({ ok: 0, unknown: 1, warning: 2, critical: 3 } as const)[verdict];
export const wordOf = (verdict: Verdict): string => ({ ok: "Healthy", warning: "Warning", critical: "Critical", unknown: "Unknown" } as const)[verdict];
