import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { call } from "../../api/client";
import type { Facets as FacetsAnswer, Query } from "../../api/types";
import { format } from "../../lib/units";
import { Icon } from "../../ui/Icon";
import { LoadingState } from "../../ui/States";
import { clause } from "../filter/clause";
import css from "./feed.module.css";

interface FacetsProps {
  query: Query;
  by: readonly string[];
  refresh: number | false;
  narrow: (addition: string) => void;
}

const TOP = 8;

/** The most frequent values beside the list: a click keeps only them, the minus leaves them out. */
export function Facets({ query, by, refresh, narrow }: FacetsProps) {
  const body = { dataset: query.dataset, filter: query.filter, since: query.since, until: query.until, by, top: TOP };
  const answer = useQuery({
    queryKey: ["facets", body], queryFn: ({ signal }) => call<FacetsAnswer>("query/facets", { body, signal }), placeholderData: keepPreviousData, refetchInterval: refresh, staleTime: 10_000,
  });
  if (!answer.data) return answer.isError ? null : <LoadingState rows={10} />;
  const shown = answer.data.facets.filter((facet) => facet.values.some((one) => one.value !== "" && one.value !== "::"));
  return (
    <div className={css.facets}>
      {shown.map((facet) => {
        const most = Math.max(...facet.values.map((one) => one.count), 1);
        return (
          <section key={facet.dimension} aria-label={facet.title}>
            <h3>{facet.dimension === "exporter" ? "Device" : facet.title}</h3>
            <ul>
              {facet.values.map((one) => {
                const name = one.value === "" || one.value === "::" ? "none" : one.label;
                const part = { field: facet.dimension, value: one.value };
                return (
                  <li key={one.value}>
                    <button type="button" className={css.value} title={`Only ${facet.title} ${name}`} onClick={() => narrow(clause([part]))}>
                      <span className={one.value === "" || one.value === "::" ? "faint" : undefined}>{name}</span><small>{format(one.count, "")}</small><i style={{ width: `${(100 * one.count) / most}%` }} />
                    </button>
                    <button type="button" className={css.without} aria-label={`Without ${facet.title} ${name}`} onClick={() => narrow(clause([part], true))}><Icon name="minus" size={12} /></button>
                  </li>
                );
              })}
            </ul>
          </section>
        );
      })}
    </div>
  );
}
