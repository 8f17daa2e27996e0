import type { TestPath } from "../../api/types";
import { cssColor } from "../../charts/theme";
import { usePrefs } from "../../lib/prefs";
import { dateTime } from "../../lib/time";
import { plural } from "../../lib/units";
import css from "./synthetics.module.css";

const MOST_COLOURS = 8;

interface Stretch {
  from: number;
  until: number;
  path: string;
  hops: number;
  branches: number;
}

/** From when to when the path was which; what was before the first trace of the range is not known. */
export function stretches(path: TestPath): Stretch[] {
  return path.changes.map((change, index) => ({
    from: Math.max(change.at, path.window.since), until: path.changes[index + 1]?.at ?? path.window.until, path: change.path, hops: change.hops, branches: change.branches,
  }));
}

/** Each path its colour, in the order that they were seen first; the same path comes back in its own. */
export const slots = (path: TestPath): Map<string, number> =>
  new Map([...new Set(path.changes.map((one) => one.path))].map((one, index) => [one, index % MOST_COLOURS]));

/** A strip of time: another colour is another path. A click shows the path of that time. */
export function PathChanges({ path, setAt }: { path: TestPath; setAt: (at: string) => void }) {
  const { zone } = usePrefs();
  const { since, until } = path.window;
  const parts = stretches(path);
  const colours = slots(path);
  if (parts.length === 0) return null;
  const place = (at: number): string => `${((at - since) / (until - since)) * 100}%`;
  const words = path.changes.length === 1 ? "The path did not change" : `${plural(path.changes.length - 1, "change")} of path, ${plural(colours.size, "path")}`;
  return (
    <div className={css.changes}>
      <div className={css.strip} role="group" aria-label={words}>
        {parts.map((part) => {
          const label = `From ${dateTime(part.from, zone)}: ${plural(part.hops, "hop")}, ${part.branches === 1 ? "one branch" : `${part.branches} branches`}`;
          return (
            <button
              key={part.from} type="button" title={label} aria-label={label} onClick={() => setAt(String(Math.floor(Math.min(part.until, until) - 1)))}
              style={{ left: place(part.from), width: `calc(${place(part.until)} - ${place(part.from)} - 1px)`, background: cssColor(colours.get(part.path) ?? 0) }}
            />
          );
        })}
        {path.at !== null && path.at >= since && <i style={{ left: place(path.at) }} aria-hidden />}
      </div>
      <span className="faint">{words}</span>
    </div>
  );
}
