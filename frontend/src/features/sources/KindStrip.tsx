import { Link } from "wouter";
import { sourcesPath } from "../../lib/links";
import { format } from "../../lib/units";
import { statusOf } from "../../lib/verdict";
import { StatusIcon } from "../../ui/Status";
import { FLOW, kindOf } from "./kinds";
import type { KindSum } from "./rows";
import css from "./sources.module.css";

/** What is wrong with sources of a kind, or how much they bring. */
export function said(one: KindSum): string {
  if (one.total === 0) return "Not set up";
  const trouble = [one.failing && `${one.failing} failing`, one.silent && `${one.silent} silent`, one.degraded && `${one.degraded} with errors`].filter(Boolean);
  if (trouble.length > 0) return trouble.join(", ");
  return one.attention > 0 ? `${one.attention} to look at` : `${format(one.perSecond, "")} ${one.kind === FLOW ? "records" : "rows"}/s`;
}

/** Every kind at a glance; a click shows only its sources, or how to set the first one up. */
export function KindStrip({ sums, current, kept }: { sums: readonly KindSum[]; current: string; kept: string }) {
  const total = sums.reduce((count, one) => count + one.total, 0);
  return (
    <nav className={css.kinds} aria-label="Kinds of sources">
      <Link href={sourcesPath({}, kept)} aria-current={current === "" ? "page" : undefined}>
        <b>All</b><em>{total}</em><span>{sums.filter((one) => one.total > 0).length} kinds of {sums.length}</span>
      </Link>
      {sums.map((one) => (
        <Link key={one.kind} href={sourcesPath({ kind: one.kind }, kept)} aria-current={current === one.kind ? "page" : undefined} data-none={one.total === 0 || undefined}>
          <b>{kindOf(one.kind).title}</b><em>{one.total || ""}</em>
          <span>{one.total > 0 && <StatusIcon status={statusOf(one.status)} size={13} />}{said(one)}</span>
        </Link>
      ))}
    </nav>
  );
}
