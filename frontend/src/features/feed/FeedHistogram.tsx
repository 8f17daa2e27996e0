import { useCallback, useMemo } from "react";
import { useView } from "../../api/queries";
import type { Query, Series } from "../../api/types";
import { useTime } from "../../app/time";
import { histogram } from "../../charts/histogram";
import { colorOf, type ChartTheme } from "../../charts/theme";
import { usePrefs } from "../../lib/prefs";
import { format, plural } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { Chart } from "../../ui/Chart";
import { slotsOf } from "../explorer/groups";
import css from "./feed.module.css";
import { SEVERITIES, severityTone, type FeedWords } from "./words";

const HEIGHT = 104;

/** Colours of severities say how bad; those of anything else only tell apart. */
function colorsOf(series: readonly Series[], split: string, theme: ChartTheme): string[] {
  if (split !== "severity") return slotsOf(series).map((slot) => colorOf(theme, slot));
  const tones = { bad: theme.bad, warn: theme.warn, note: theme.accent, plain: theme.other, faint: theme.lineStrong };
  return series.map((one) => tones[severityTone(one.key[0] ?? "")]);
}

/** Worst at the foot of the stack, where its height can be compared. */
const rank = (series: Series): number => {
  const at = SEVERITIES.findIndex((one) => one === series.key[0]);
  return at < 0 ? SEVERITIES.length : at;
};

export function FeedHistogram({ query, words, refresh }: { query: Query; words: FeedWords; refresh: number | false }) {
  const { zone } = usePrefs();
  const { zoomTo } = useTime();
  const counted = useMemo<Query>(
    () => ({ dataset: query.dataset, filter: query.filter, since: query.since, until: query.until, view: "series", by: [words.split], top: 8, points: 80 }) as Query,
    [query.dataset, query.filter, query.since, query.until, words.split],
  );
  const answer = useView(counted, { refresh });
  const result = answer.data;
  const build = useCallback((theme: ChartTheme) => {
    if (!result?.grid) return {};
    const series = words.split === "severity" ? result.series.toSorted((one, other) => rank(one) - rank(other)) : result.series;
    return histogram({ grid: result.grid, series, colors: colorsOf(series, words.split, theme), unit: result.unit, zone }, theme);
  }, [result, words.split, zone]);
  const total = Object.values(result?.totals ?? {})[0] ?? 0;
  return (
    <div className={css.histogram}>
      <Answer of={answer} height={HEIGHT}>
        {(data) => (
          <Chart
            build={build} kind="histogram" height={HEIGHT} onZoom={zoomTo}
            label={`${format(total, "")} ${words.noun}s over time, by ${words.split}: ${data.series.slice(0, 4).map((one) => one.label).join(", ") || "none"}. ${plural(data.rows.length, "group")}; the facets hold the numbers.`}
          />
        )}
      </Answer>
    </div>
  );
}
