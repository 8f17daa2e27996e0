import { useCallback } from "react";
import { useView } from "../../api/queries";
import type { EventAnswer, EventChart as Charted, Query, ViewResult } from "../../api/types";
import { withBand } from "../../charts/lines";
import type { ChartTheme } from "../../charts/theme";
import { usePrefs } from "../../lib/prefs";
import { format } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { Chart } from "../../ui/Chart";
import { Panel } from "../../ui/Panel";
import { EmptyState } from "../../ui/States";
import { ShowQuery } from "../devices/ShowQuery";

interface DrawnProps {
  result: ViewResult;
  chart: Charted;
  event: EventAnswer["event"];
  now: number;
}

function Drawn({ result, chart, event, now }: DrawnProps) {
  const { zone } = usePrefs();
  const { unit } = result;
  const band = unit === chart.unit ? chart.band : null; // a detector may count what no question of the explorer does
  const build = useCallback((theme: ChartTheme) => {
    if (!result.grid) return {};
    const marked = { from: event.started_s, until: event.ended_s ?? now };
    return withBand({ kind: "lines", grid: result.grid, series: result.series, slots: result.series.map((_, index) => index), unit, zone }, band, marked, theme);
  }, [result, band, event, now, unit, zone]);
  if (!result.series.some((one) => one.values.some((value) => value !== null))) return <EmptyState title="Nothing is kept of that time any more" icon="explore" />;
  const said = event.seen === null ? "" : `; at its worst ${format(event.seen, event.unit)}${event.expected === null ? "" : `, expected ${format(event.expected, event.unit)}`}`;
  return <Chart build={build} kind="event" height={260} label={`${event.title}${said}`} />;
}

/** What came, before the band of what was expected; the time that the event was on is shaded. */
export function EventChart({ chart, event, now }: { chart: Charted; event: EventAnswer["event"]; now: number }) {
  const answer = useView(chart.query as Query, { refresh: event.state === "open" ? 30_000 : false });
  return (
    <Panel title="What came" hint={chart.band && answer.data?.unit === chart.unit ? "shaded green: what was expected; red: the event" : "shaded red: the event"} actions={<ShowQuery query={chart.query} what={event.title} result={answer.data} />}>
      <Answer of={answer} height={260}>{(result) => <Drawn result={result} chart={chart} event={event} now={now} />}</Answer>
    </Panel>
  );
}
