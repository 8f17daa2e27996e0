import { grouped } from "../lib/units";
import css from "./ui.module.css";

/** How many lines a change adds and takes away. */
export const LineCounts = ({ added, removed }: { added: number; removed: number }) => (
  <span className={css.lineCounts}><ins aria-label={`${added} lines added`}>+{grouped(added)}</ins><del aria-label={`${removed} lines removed`}>−{grouped(removed)}</del></span>
);
