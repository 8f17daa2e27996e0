import { Link } from "wouter";
import css from "./ui.module.css";

export interface Tab {
  key: string;
  title: string;
  href: string;
  /** A number beside the name. */
  count?: number | undefined;
}

/** Parts of one page, each with an address of its own. */
export function TabLinks({ label, tabs, current }: { label: string; tabs: readonly Tab[]; current: string }) {
  return (
    <nav className={css.tabLinks} aria-label={label}>
      {tabs.map((tab) => (
        <Link key={tab.key} href={tab.href} aria-current={tab.key === current ? "page" : undefined}>
          {tab.title}{tab.count !== undefined && <small>{tab.count}</small>}
        </Link>
      ))}
    </nav>
  );
}
