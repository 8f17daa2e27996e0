import type { ReactNode } from "react";
import css from "./ui.module.css";

export type Facts = readonly (readonly [name: string, value: ReactNode])[];

/** Names and values, one below the other; what is empty is left out. */
export const FactList = ({ facts }: { facts: Facts }) => (
  <dl className={css.facts}>{facts.map(([name, value]) => value !== "" && value !== null && value !== undefined && value !== false && <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
);
