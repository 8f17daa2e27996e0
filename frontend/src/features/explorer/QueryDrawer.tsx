import { Drawer } from "@mantine/core";
import type { ViewResult } from "../../api/types";
import { usePrefs } from "../../lib/prefs";
import { dateTime } from "../../lib/time";
import { duration, format, grouped } from "../../lib/units";
import { CopyButton } from "../../ui/CodeBlock";
import { Icon } from "../../ui/Icon";
import css from "./QueryDrawer.module.css";

function sampling({ provenance }: ViewResult): string {
  const rates = provenance.sampling_rates.filter((rate) => rate > 0);
  const said = rates.length === 0 ? "no sampling" : rates.map((rate) => (rate === 1 ? "unsampled" : `1 in ${grouped(rate)}`)).join(", ");
  const unknown = provenance.unsampled_share > 0 ? `; unknown for ${(provenance.unsampled_share * 100).toFixed(1)} % of rows, counted as 1` : "";
  return said + unknown;
}

function facts(result: ViewResult, zone: "local" | "utc"): [string, string][] {
  const { provenance: from } = result;
  return [
    ["Table", from.table],
    ["Resolution", from.resolution_s === 0 ? "raw records" : duration(from.resolution_s)],
    ["Read", `${grouped(from.rows_read)} rows, ${format(from.bytes_read, "B")}`],
    ["Took", duration(from.elapsed_ms / 1000)],
    ["Exactness", from.exact ? "exact" : "approximate"],
    ["Sampling", sampling(result)],
    ["Window", `${dateTime(result.window.since, zone)} – ${dateTime(result.window.until, zone)}`],
    ["Newest record", from.newest === null ? "none" : dateTime(from.newest, zone, true)],
    ["Silent exporters", from.silent_exporters.length === 0 ? "none" : from.silent_exporters.join(", ")],
  ];
}

/** What the numbers rest on: nobody has to believe a chart. */
export function QueryDrawer({ result, close }: { result: ViewResult | undefined; close: () => void }) {
  const { zone } = usePrefs();
  return (
    <Drawer opened={result !== undefined} onClose={close} title="Where these numbers come from" size={620}>
      {result && (
        <div className={css.body}>
          <dl className={css.facts}>
            {facts(result, zone).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
          </dl>
          {result.provenance.notes.length > 0 && (
            <ul className={css.notes}>{result.provenance.notes.map((note) => <li key={note}><Icon name="info" size={14} />{note}</li>)}</ul>
          )}
          <section>
            <header><h3>SQL</h3><CopyButton text={result.provenance.sql} label="Copy SQL" /></header>
            <pre tabIndex={0} aria-label="SQL">{result.provenance.sql}</pre>
          </section>
          <section>
            <header><h3>Query</h3><CopyButton text={JSON.stringify(result.query, null, 2)} label="Copy JSON" /></header>
            <p className="faint">Post it to <code>/api/v1/query</code> with an API token to get the same answer.</p>
            <pre tabIndex={0} aria-label="Query">{JSON.stringify(result.query, null, 2)}</pre>
          </section>
        </div>
      )}
    </Drawer>
  );
}
