import { Link } from "wouter";
import type { Reason } from "../api/types";
import { exporterPath, sourcesPath } from "../lib/links";
import { statusOf, wordOf } from "../lib/verdict";
import { Icon } from "./Icon";
import css from "./Reasons.module.css";
import { StatusIcon } from "./Status";

/** A source by its id, or all of a kind (`snmp:`). */
function whereOf(source: string): string {
  const kind = source.slice(0, source.indexOf(":"));
  return source.endsWith(":") ? sourcesPath({ kind }) : sourcesPath({ kind, source });
}

function Advice({ reason }: { reason: Reason }) {
  return (
    <>
      {reason.detail && <p>{reason.detail}</p>}
      {reason.fix && <p><b>What to do:</b> {reason.fix}</p>}
    </>
  );
}

function Brief({ reason }: { reason: Reason }) {
  return (
    <details>
      <summary>
        <StatusIcon status={statusOf(reason.status)} />
        <span className="visually-hidden">{wordOf(reason.status)}: </span>
        <h3>{reason.title}</h3>
        <Icon name="down" size={13} className={css.chevron} />
      </summary>
      <div className={css.advice}>
        <Advice reason={reason} />
        {reason.source ? <p><Link href={whereOf(reason.source)}>{reason.source.endsWith(":") ? "Look at them" : "Look at this source"}</Link></p>
          : reason.exporter && <p><Link href={exporterPath(reason.exporter)}>Look at this exporter</Link></p>}
      </div>
    </details>
  );
}

/** What is not as it should be: the finding, what it means for the numbers, and what to do; `brief` folds the advice. */
export function Reasons({ reasons, brief = false }: { reasons: readonly Reason[]; brief?: boolean }) {
  return (
    <ul className={css.reasons} data-brief={brief || undefined}>
      {reasons.map((reason) => (
        <li key={reason.code + reason.title}>
          {brief ? <Brief reason={reason} /> : (
            <div className={css.full}>
              <StatusIcon status={statusOf(reason.status)} size={17} />
              <div><h3>{reason.title}</h3><Advice reason={reason} /></div>
            </div>
          )}
        </li>
      ))}
    </ul>
  );
}
