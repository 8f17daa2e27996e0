import type { TestSeries } from "../../api/types";
import { cssColor } from "../../charts/theme";
import { format } from "../../lib/units";
import { Panel } from "../../ui/Panel";
import { aim } from "./PathPanel";
import css from "./synthetics.module.css";

const PHASES: readonly [key: string, title: string][] = [
  ["dns_ms", "Look-up"], ["connect_ms", "Connect"], ["tls_ms", "TLS"], ["first_byte_ms", "First byte"], ["transfer_ms", "Transfer"],
];
const MOST = 12;

const total = (one: TestSeries): number => PHASES.reduce((sum, [key]) => sum + (one.phases[key] ?? 0), 0);

/** Where the time of an HTTP transaction goes, one bar per agent and target, the slowest first. */
export function Phases({ series }: { series: readonly TestSeries[] }) {
  const shown = series.filter((one) => total(one) > 0).toSorted((one, other) => total(other) - total(one));
  if (shown.length === 0) return null;
  const top = total(shown[0] as TestSeries);
  const several = new Set(shown.map(aim)).size > 1;
  return (
    <Panel title="Where the time goes" hint={shown.length > MOST ? `mean of each phase; the ${MOST} slowest` : "mean of each phase"}>
      <ul className={css.phaseLegend}>{PHASES.map(([key, title], index) => <li key={key}><i style={{ background: cssColor(index) }} />{title}</li>)}</ul>
      <ul className={css.phases}>
        {shown.slice(0, MOST).map((one) => (
          <li key={one.agent + one.target}>
            <span title={`${one.agent} → ${aim(one)}`}>{several ? `${one.agent} → ${aim(one)}` : one.agent}</span>
            <span className={css.bar} role="img" aria-label={PHASES.filter(([key]) => one.phases[key]).map(([key, title]) => `${title} ${format(one.phases[key], "ms")}`).join(", ")}>
              {PHASES.map(([key, title], index) => {
                const value = one.phases[key] ?? 0;
                return value > 0 && <i key={key} title={`${title}: ${format(value, "ms")}`} style={{ width: `${(100 * value) / top}%`, background: cssColor(index) }} />;
              })}
            </span>
            <b>{format(total(one), "ms")}</b>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
