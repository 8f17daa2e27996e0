import type { ReactNode } from "react";
import css from "./ui.module.css";

interface PanelProps {
  title?: ReactNode;
  /** What the numbers are: unit, window, grouping. */
  hint?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  /** Without inner padding, as for tables and charts that reach the edge. */
  flush?: boolean;
  className?: string;
}

export function Panel({ title, hint, actions, children, flush = false, className = "" }: PanelProps) {
  return (
    <section className={`${css.panel} ${className}`}>
      {(title || actions) && (
        <header className={css.panelHeader}>
          {title && <h2>{title}</h2>}
          {hint && <span className={css.hint}>{hint}</span>}
          {actions && <div className={css.panelActions}>{actions}</div>}
        </header>
      )}
      <div className={flush ? css.panelFlush : css.panelBody} data-bare={!title && !actions || undefined}>{children}</div>
    </section>
  );
}
