import { Link } from "wouter";
import type { Reason } from "../api/types";
import { statusOf } from "../lib/verdict";
import css from "./Reasons.module.css";
import { StatusIcon } from "./Status";

/** What is not as it should be: the finding, what it means for the numbers, and what to do. */
export function Reasons({ reasons, linked = false }: { reasons: readonly Reason[]; linked?: boolean }) {
  return (
    <ul className={css.reasons}>
      {reasons.map((reason) => (
        <li key={reason.code + reason.title}>
          <StatusIcon status={statusOf(reason.status)} size={17} />
          <div>
            <h3>{linked && reason.exporter ? <Link href={`/sources/${encodeURIComponent(reason.exporter)}`}>{reason.title}</Link> : reason.title}</h3>
            {reason.detail && <p>{reason.detail}</p>}
            {reason.fix && <p><b>What to do:</b> {reason.fix}</p>}
          </div>
        </li>
      ))}
    </ul>
  );
}
