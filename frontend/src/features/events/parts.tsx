import type { EventRow, Severity } from "../../api/types";
import { useSession } from "../../app/session";
import { Icon } from "../../ui/Icon";
import { StatusPill } from "../../ui/Status";
import css from "./events.module.css";
import { severityStatus, severityWord, stateWord } from "./words";

/** How bad an event is; one that is over is not alarming any more. */
export const SeverityPill = ({ severity, over = false }: { severity: Severity; over?: boolean }) => (
  <StatusPill status={over ? "idle" : severityStatus(severity)}>{severityWord(severity)}</StatusPill>
);

/** How an event stands, and who takes care of it or why it is no trouble. */
export function EventStanding({ event }: { event: EventRow }) {
  if (event.acknowledged_by) return <span className={css.taken} title={`${stateWord(event)}; ${event.acknowledged_by} takes care of it`}><Icon name="user" size={12} /><span>{event.acknowledged_by}</span></span>;
  return <span className={event.state === "open" ? undefined : "muted"} title={event.suppressed_why && `Suppressed by ${event.suppressed_why}`}>{stateWord(event)}</span>;
}

/** Who may acknowledge events, say what they are, and write policies. */
export const useMayAct = (): boolean => ["operator", "admin"].includes(useSession().user?.role ?? "");
