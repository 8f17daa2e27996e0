import { useCallback, useMemo, type ReactNode } from "react";
import { useView } from "../../api/queries";
import type { Series, ViewResult } from "../../api/types";
import { useTime } from "../../app/time";
import { withLimits, type Limit } from "../../charts/lines";
import { cssColor, type ChartTheme } from "../../charts/theme";
import type { TimeChart } from "../../charts/timeseries";
import { usePrefs } from "../../lib/prefs";
import { format } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { Chart } from "../../ui/Chart";
import { Panel } from "../../ui/Panel";
import { EmptyState } from "../../ui/States";
import { during, labelText, metricName, type Posted } from "./ask";
import css from "./devices.module.css";
import { ShowQuery } from "./ShowQuery";

interface SeriesPanelProps {
  title: string;
  hint?: ReactNode;
  query: Posted;
  kind?: TimeChart["kind"];
  limits?: readonly Limit[];
  height?: number;
  /** Instead of what the answer says, where that is bare. */
  unit?: string;
  /** What values are called, where they are not their own name. */
  names?: Names | undefined;
}

type Names = Readonly<Record<string, { word: string }>>;

/** What to call a line: the metric as people say it, or the thing that it is of. */
function named(series: Series, result: ViewResult, title: string, names: Names): string {
  const parts = result.columns.filter((column) => column.kind !== "measure").map((column, index) => {
    const cell = series.key[index] ?? "";
    if (column.name === "metric") return metricName(cell);
    if (column.name === "labels") return labelText(cell);
    if (cell === "") return ""; // of the device as a whole
    if (names[cell]) return names[cell].word;
    const label = result.labels[column.name]?.[cell] ?? cell;
    return column.name === "interface" ? label.replace(/^.*?: /, "") : label; // the device is that of the page
  });
  return series.other ? "Other" : parts.filter(Boolean).join(", ") || title;
}

/** Lines of several metrics stand in the order of their names (In before Out), others by size as they came. */
function ordered(result: ViewResult, title: string, names: Names): Series[] {
  const series = result.series.map((one) => ({ ...one, label: named(one, result, title, names) }));
  if (!result.columns.some((column) => column.name === "metric")) return series;
  return series.toSorted((one, other) => one.label.localeCompare(other.label, "en", { numeric: true }));
}

const latest = (series: Series): number | null => series.values.findLast((value) => value !== null) ?? null;

const slotsOf = (series: readonly Series[]): number[] => series.map((one, index) => (one.other ? -1 : index));

type DrawnProps = Required<Pick<SeriesPanelProps, "title" | "kind" | "limits" | "height">> & { result: ViewResult; unit: string; names: Names };

function Drawn({ result, title, kind, limits, height, unit, names }: DrawnProps) {
  const { zone } = usePrefs();
  const { zoomTo } = useTime();
  const series = useMemo(() => ordered(result, title, names), [result, title, names]);
  const build = useCallback((theme: ChartTheme) => {
    if (!result.grid) return {};
    return withLimits({ kind, grid: result.grid, series, slots: slotsOf(series), unit, zone, compact: true }, limits, theme);
  }, [result, series, kind, limits, unit, zone]);
  const known = series.some((one) => one.values.some((value) => value !== null));
  if (!known) return <EmptyState title="Nothing in this range" icon="explore" />;
  const words = series.map((one) => `${one.label} ${format(latest(one), unit)}`);
  return (
    <>
      <Chart build={build} kind={kind + title} height={height} onZoom={zoomTo} label={`${title}; newest: ${words.slice(0, 6).join(", ")}`} />
      {series.length <= 12 && (
        <ul className={css.legend} aria-label={`${title}, newest values`}>
          {series.map((one, index) => (
            <li key={one.key.join("\u0001")}><i style={{ background: cssColor(one.other ? -1 : index) }} />{one.label}<b>{format(latest(one), unit)}</b></li>
          ))}
        </ul>
      )}
    </>
  );
}

const NO_LIMITS: readonly Limit[] = [];
const NO_NAMES: Names = {};

/** One question as a chart, with what it rests on. */
export function SeriesPanel({ title, hint, query, kind = "lines", limits = NO_LIMITS, height = 190, unit, names = NO_NAMES }: SeriesPanelProps) {
  const { range, interval } = useTime();
  const asked = useMemo(() => ({ points: 160, ...during(query, range) }), [query, range]);
  const answer = useView(asked, { refresh: interval || 60_000 });
  return (
    <Panel title={title} hint={hint} actions={<ShowQuery query={query} what={title} result={answer.data} />}>
      <Answer of={answer} height={height}>
        {(result) => <Drawn result={result} title={title} kind={kind} limits={limits} height={height} unit={unit ?? result.unit} names={names} />}
      </Answer>
    </Panel>
  );
}
