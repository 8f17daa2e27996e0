import type { Severity } from "../../api/types";
import { useSession } from "../../app/session";
import { StatusPill } from "../../ui/Status";
import css from "./events.module.css";
import { severityStatus, severityWord } from "./words";

/** How bad an event is; one that is over is not alarming any more. */
export const SeverityPill = ({ severity, over = false }: { severity: Severity; over?: boolean }) => (
  <span className={css.severity} data-over={over || undefined}>
    <StatusPill status={over ? "idle" : severityStatus(severity)}>{severityWord(severity)}</StatusPill>
  </span>
);

/** Who may acknowledge events, say what they are, and write policies. */
export const useMayAct = (): boolean => ["operator", "admin"].includes(useSession().user?.role ?? "");
