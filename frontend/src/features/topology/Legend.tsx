import { BANDS, UNKNOWN_BAND } from "../../charts/topology";
import css from "./topology.module.css";

/** What colours and widths mean, in words. */
export function Legend({ map }: { map: boolean }) {
  return (
    <div className={css.legend}>
      <span>Utilisation, each half of a line in its own direction</span>
      <ul aria-label="Colours of links">
        {[...BANDS, UNKNOWN_BAND].map((band) => (
          <li key={band.name}><svg width={22} height={8} aria-hidden><path d="M0 4H22" className={css.half} data-band={band.name} strokeWidth={4} /></svg>{band.text}</li>
        ))}
        <li><svg width={22} height={12} aria-hidden><path d="M0 6H22" className={css.down} strokeWidth={3} /><path d="M7 2l8 8m0 -8l-8 8" className={css.cross} /></svg>down</li>
      </ul>
      <span className={css.legendHint}>wider = more capacity · {map ? "sites at their coordinates · " : ""}drag to move, Ctrl or ⌘ and the wheel to zoom</span>
    </div>
  );
}
