import { Link } from "wouter";
import type { Evidence, Query } from "../../api/types";
import { explorePath } from "../../lib/links";
import { significant } from "../../lib/units";
import { Icon, type IconName } from "../../ui/Icon";
import css from "./events.module.css";

const ICONS: Record<Evidence["kind"], IconName> = { query: "explore", rows: "table", fact: "info", model: "lines" };

/** The question of the evidence, over the times that it was asked of. */
function explored(query: Query): string {
  const range = new URLSearchParams({ since: String(query.since ?? "now-6h"), until: String(query.until ?? "now") });
  return explorePath({ dataset: query.dataset ?? "flows", by: query.by ?? [], measures: query.measures ?? [], filter: query.filter ?? "" }, `?${range}`);
}

const cell = (value: string | number | null): string => (value === null ? "–" : typeof value === "number" ? significant(value, 4) : value);

function Rows({ one }: { one: Evidence }) {
  if (one.rows.length === 0) return null;
  return (
    <div className={css.rows} tabIndex={0} role="region" aria-label={one.title}>
      <table>
        <thead><tr>{one.columns.map((name) => <th key={name}>{name}</th>)}</tr></thead>
        <tbody>{one.rows.map((row, index) => <tr key={index}>{row.map((value, place) => <td key={one.columns[place] ?? place}>{cell(value)}</td>)}</tr>)}</tbody>
      </table>
    </div>
  );
}

/** What an event rests on; whoever doubts it follows the link, or reads the rows. */
export const EvidenceList = ({ evidence }: { evidence: readonly Evidence[] }) => (
  <ul className={css.evidence}>
    {evidence.map((one) => (
      <li key={one.title + one.text}>
        <h3><Icon name={ICONS[one.kind]} size={14} />{one.title}{one.query && <Link href={explored(one.query as Query)}>Open in the explorer</Link>}</h3>
        {one.text && <p>{one.text}</p>}
        <Rows one={one} />
      </li>
    ))}
  </ul>
);
