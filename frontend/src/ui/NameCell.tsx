import type { ReactNode } from "react";
import { Link } from "wouter";
import type { Verdict } from "../api/types";
import { statusOf, wordOf } from "../lib/verdict";
import { StatusIcon } from "./Status";
import css from "./ui.module.css";

interface NameCellProps {
  status: Verdict;
  name: string;
  href: string;
  /** Where it differs from the name. */
  address: string | undefined;
  /** The first thing that is wrong with it. */
  finding: ReactNode;
  /** All of what is wrong. */
  title: string | undefined;
}

/** What a row is about: how it is, its name as a link, its address, and what is wrong with it. */
export const NameCell = ({ status, name, href, address, finding, title }: NameCellProps) => (
  <span className={css.name}>
    <StatusIcon status={statusOf(status)} /><span className="visually-hidden">{wordOf(status)}</span>
    <span>
      <Link href={href} onClick={(event) => event.stopPropagation()}>{name}</Link>
      {address && address !== name && <code>{address}</code>}
      {finding && <small title={title}>{finding}</small>}
    </span>
  </span>
);
