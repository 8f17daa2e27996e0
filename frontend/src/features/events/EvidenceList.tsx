import { Link } from "wouter";
import type { Evidence, Query } from "../../api/types";
import { explorePath } from "../../lib/links";
import { usePrefs } from "../../lib/prefs";
import { dateTime, type Zone } from "../../lib/time";
import { format, grouped, significant } from "../../lib/units";
import { Icon, type IconName } from "../../ui/Icon";
import css from "./events.module.css";

const ICONS: Record<Evidence["kind"], IconName> = { query: "explore", rows: "table", fact: "info", model: "lines" };

/** The question of the evidence, over the times that it was asked of. */
function explored(query: Query): string {
  const range = new URLSearchParams({ since: String(query.since ?? "now-6h"), until: String(query.until ?? "now") });
  return explorePath({ dataset: query.dataset ?? "flows", by: query.by ?? [], measures: query.measures ?? [], filter: query.filter ?? "" }, `?${range}`);
}

/** Columns of what was expected over time, in the unit of the event. */
const BAND = new Set(["lower", "expected", "upper"]);

/** A cell of evidence: moments as moments, what was expected with its unit, other numbers without needless digits. */
export function cell(value: string | number | null, column: string, unit: string, zone: Zone): string {
  if (value === null) return "–";
  if (typeof value === "string") return value;
  if (column === "time" && value > 1e9) return dateTime(value, zone, true);
  if (BAND.has(column)) return format(value, unit);
  return Number.isInteger(value) ? grouped(value) : significant(value, 4);
}

function Rows({ one, unit }: { one: Evidence; unit: string }) {
  const { zone } = usePrefs();
  if (one.rows.length === 0) return null;
  const numeric = one.columns.map((name, place) => name !== "time" && one.rows.every((row) => typeof row[place] !== "string"));
  return (
    <div className={css.rows} tabIndex={0} role="region" aria-label={one.title}>
      <table>
        <thead><tr>{one.columns.map((name) => <th key={name} data-numeric={numeric[one.columns.indexOf(name)] || undefined}>{name.replaceAll("_", " ")}</th>)}</tr></thead>
        <tbody>{one.rows.map((row, index) => <tr key={index}>{row.map((value, place) => <td key={one.columns[place] ?? place} data-numeric={numeric[place] || undefined}>{cell(value, one.columns[place] ?? "", unit, zone)}</td>)}</tr>)}</tbody>
      </table>
    </div>
  );
}

/** What an event rests on; whoever doubts it follows the link, or reads the rows. */
export const EvidenceList = ({ evidence, unit }: { evidence: readonly Evidence[]; unit: string }) => (
  <ul className={css.evidence}>
    {evidence.map((one) => (
      <li key={one.title + one.text}>
        <h3><Icon name={ICONS[one.kind]} size={14} />{one.title}{one.query && <Link href={explored(one.query as Query)}>Open in the explorer</Link>}</h3>
        {one.text && <p>{one.text}</p>}
        <Rows one={one} unit={unit} />
      </li>
    ))}
  </ul>
);
