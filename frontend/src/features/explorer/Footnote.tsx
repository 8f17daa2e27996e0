import type { ViewResult } from "../../api/types";
import { duration, grouped, plural } from "../../lib/units";

/** One line under a chart: how much was read, how fast, from where; the rest is in "Show query". */
export function Footnote({ result }: { result: ViewResult }) {
  const from = result.provenance;
  const sampled = result.query["view"] !== "records" && from.sampling_rates.some((rate) => rate > 1);
  const parts = [
    `${grouped(from.rows_read)} rows of ${from.table}`, duration(from.elapsed_ms / 1000), sampled ? "corrected for sampling" : "",
    from.silent_exporters.length > 0 ? `${plural(from.silent_exporters.length, "exporter")} silent` : "", from.notes[0] ?? "",
  ];
  return <>{parts.filter(Boolean).join(" · ")}</>;
}
