import { useEffect, type ReactNode } from "react";
import css from "./ui.module.css";

interface PageHeaderProps {
  title: string;
  /** One line that says what the page is for or what it shows now. */
  subtitle?: ReactNode;
  before?: ReactNode;
  children?: ReactNode;
}

export function PageHeader({ title, subtitle, before, children }: PageHeaderProps) {
  useEffect(() => {
    document.title = `${title} · Weft`;
  }, [title]);
  return (
    <header className={css.pageHeader}>
      {before}
      <div className={css.pageTitle}>
        <h1>{title}</h1>
        {subtitle && <p className="muted">{subtitle}</p>}
      </div>
      <div className={css.pageActions}>{children}</div>
    </header>
  );
}
