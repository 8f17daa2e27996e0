/** The server's verdicts in the four words and colours that the page has for status. */
import type { Verdict } from "../api/types";
import type { Status } from "../ui/Status";

export const statusOf = (verdict: Verdict): Status => ({ ok: "good", warning: "warn", critical: "bad", unknown: "idle" } as const)[verdict];
export const wordOf = (verdict: Verdict): string => ({ ok: "Healthy", warning: "Warning", critical: "Critical", unknown: "Unknown" } as const)[verdict];
