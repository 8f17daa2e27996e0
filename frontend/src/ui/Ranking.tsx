import type { ReactNode } from "react";
import { Link } from "wouter";
import { cssColor } from "../charts/theme";
import { Icon } from "./Icon";
import css from "./ui.module.css";

export interface Ranked {
  id: string;
  name: ReactNode;
  figure: ReactNode;
  value: number | null;
  /** Colour of its bar, as in charts. */
  slot: number;
}

/** A short list, the greatest first, each with a bar that is measured against the greatest. */
export function Ranking({ rows }: { rows: readonly Ranked[] }) {
  const greatest = Math.max(...rows.map((row) => row.value ?? 0)) || 1;
  return (
    <ol className={css.ranking}>
      {rows.map((row) => (
        <li key={row.id}>
          {row.name}
          <span>{row.figure}</span>
          <i><i style={{ width: `${(100 * (row.value ?? 0)) / greatest}%`, background: cssColor(row.slot) }} /></i>
        </li>
      ))}
    </ol>
  );
}

/** From a panel into the explorer; `of` says what of, for those who hear the link alone. */
export const ExploreLink = ({ href, of }: { href: string; of?: string }) => (
  <Link href={href} className={css.exploreLink} aria-label={of && `Explore ${of.toLowerCase()}`}>Explore <Icon name="right" size={12} /></Link>
);
