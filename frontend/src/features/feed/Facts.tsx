import { ActionIcon, Tooltip } from "@mantine/core";
import type { ReactNode } from "react";
import { Icon } from "../../ui/Icon";
import { clause } from "../filter/clause";
import css from "./feed.module.css";

export interface Fact {
  name: string;
  shown: ReactNode;
  /** What to filter by; nothing where that makes no sense. */
  by?: { field: string; value: string } | undefined;
}

/** Named values, each of which can be filtered for or excluded. */
export function Facts({ facts, narrow }: { facts: readonly Fact[]; narrow: (addition: string) => void }) {
  return (
    <dl className={css.facts}>
      {facts.map(({ name, shown, by }) => (
        <div key={name}>
          <dt title={name}>{name}</dt>
          <dd>{shown}</dd>
          {by && (
            <dd>
              <Tooltip label="Filter for it"><ActionIcon size={22} aria-label={`Only ${name} ${by.value}`} onClick={() => narrow(clause([by]))}><Icon name="plus" size={13} /></ActionIcon></Tooltip>
              <Tooltip label="Exclude it"><ActionIcon size={22} aria-label={`Without ${name} ${by.value}`} onClick={() => narrow(clause([by], true))}><Icon name="minus" size={13} /></ActionIcon></Tooltip>
            </dd>
          )}
        </div>
      ))}
    </dl>
  );
}
