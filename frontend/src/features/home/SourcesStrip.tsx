import { Link } from "wouter";
import type { Overview } from "../../api/types";
import { sourcesPath } from "../../lib/links";
import { statusOf } from "../../lib/verdict";
import { StatusIcon } from "../../ui/Status";
import { said } from "../sources/KindStrip";
import { kindOf } from "../sources/kinds";
import { kindSums } from "../sources/rows";
import css from "./home.module.css";

/** Every kind of source that is in use, in a line: how many, and whether they are well. */
export function SourcesStrip({ overview, kept }: { overview: Overview; kept: string }) {
  const sums = kindSums([], overview.sources).filter((one) => one.total > 0);
  if (sums.length === 0) return null;
  return (
    <nav className={css.strip} aria-label="Sources by kind">
      {sums.map((one) => (
        <Link key={one.kind} href={sourcesPath({ kind: one.kind }, kept)}>
          <StatusIcon status={statusOf(one.status)} size={14} /><b>{kindOf(one.kind).title}</b><em>{one.total}</em><span>{said(one)}</span>
        </Link>
      ))}
    </nav>
  );
}
