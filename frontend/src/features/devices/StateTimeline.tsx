import { useMemo } from "react";
import { useView } from "../../api/queries";
import type { Series, ViewResult } from "../../api/types";
import { useTime } from "../../app/time";
import { held, stretches } from "../../charts/lines";
import { usePrefs } from "../../lib/prefs";
import { dateTime, tick } from "../../lib/time";
import { duration, plural } from "../../lib/units";
import { Panel } from "../../ui/Panel";
import { during, metricName, type Posted } from "./ask";
import css from "./devices.module.css";
import { ShowQuery } from "./ShowQuery";

/** IF-MIB ifOperStatus. */
const WORDS: Record<number, string> = { 1: "up", 2: "down", 3: "testing", 4: "unknown", 5: "dormant", 6: "not present", 7: "lower layer down" };
const wordOf = (value: number | null): string => (value === null ? "not known" : (WORDS[Math.round(value)] ?? String(value)));
const toneOf = (value: number | null): string => (value === null ? "unknown" : value === 1 ? "up" : value === 2 || value === 7 ? "down" : "other");

function Row({ series, result }: { series: Series; result: ViewResult }) {
  const { zone } = usePrefs();
  const grid = result.grid;
  const runs = useMemo(() => (grid ? stretches(held(series.values), grid.start, grid.step) : []), [series, grid]);
  if (!grid) return null;
  const width = grid.step * grid.count;
  const name = metricName(series.key[0] ?? "");
  const words = runs.map((run) => `${wordOf(run.value)} from ${dateTime(run.from, zone)} for ${duration(run.until - run.from)}`).join("; ");
  return (
    <div className={css.stateRow}>
      <span>{name}</span>
      <div role="img" aria-label={`${name}: ${words}`}>
        {runs.map((run) => (
          <i key={run.from} data-tone={toneOf(run.value)} style={{ width: `${(100 * (run.until - run.from)) / width}%` }} title={`${wordOf(run.value)}, ${dateTime(run.from, zone, true)} – ${tick(run.until, zone, 600)}`} />
        ))}
      </div>
      <b>{wordOf(runs.at(-1)?.value ?? null)}</b>
    </div>
  );
}

/** When it was up and when not. Steps are as fine as the time range allows; the log holds the exact moments. */
export function StateTimeline({ query }: { query: Posted }) {
  const { range, interval } = useTime();
  const { zone } = usePrefs();
  const asked = useMemo(() => ({ points: 240, ...during(query, range) }), [query, range]);
  const { data } = useView(asked, { refresh: interval || 60_000 });
  const grid = data?.grid;
  if (!data || !grid) return null;
  const changes = data.series.filter((one) => one.key[0] === "oper_status").reduce((sum, one) => sum + Math.max(0, stretches(held(one.values), 0, 1).filter((run) => run.value !== null).length - 1), 0);
  return (
    <Panel title="State over time" hint={changes === 0 ? "no change of state" : plural(changes, "change")} actions={<ShowQuery query={query} what="State over time" result={data} />}>
      <div className={css.states}>
        {data.series.map((series) => <Row key={series.key.join()} series={series} result={data} />)}
        <div className={css.stateTicks} aria-hidden><span>{tick(grid.start, zone, Math.max(601, grid.step * grid.count))}</span><span>{tick(grid.start + grid.step * grid.count, zone, Math.max(601, grid.step * grid.count))}</span></div>
      </div>
    </Panel>
  );
}
