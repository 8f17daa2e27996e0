import type { ReactNode } from "react";
import { write } from "../lib/units";
import { Sparkline } from "./Sparkline";
import css from "./ui.module.css";

interface StatProps {
  label: ReactNode;
  value?: number | null | undefined;
  unit?: string;
  /** Instead of a number. */
  text?: string;
  note?: ReactNode;
  trend?: readonly (number | null)[];
}

/** One figure that stands alone, with its unit and, if there is one, its recent course. */
export function Stat({ label, value, unit = "", text, note, trend }: StatProps) {
  const written = text === undefined ? write(value, unit) : { value: text, unit: "" };
  return (
    <div className={css.stat}>
      <span className={css.statLabel}>{label}</span>
      <span className={css.statValue}>
        {written.value}
        {written.unit && <small>{written.unit}</small>}
      </span>
      {note && <span className={css.statNote}>{note}</span>}
      {trend && trend.length > 1 && <Sparkline values={trend} width={72} height={16} className={css.statTrend} />}
    </div>
  );
}
