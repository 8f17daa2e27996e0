import { useCallback, useMemo } from "react";
import { useSearchParams } from "wouter";
import { useTime } from "../../app/time";
import type { Query } from "../../api/types";
import { narrowed } from "../filter/clause";
import { parse, toQuery, write, type ExplorerState } from "./state";

export interface Explorer {
  state: ExplorerState;
  query: Query;
  update: (patch: Partial<ExplorerState>) => void;
  /** Adds one condition to the filter. */
  narrow: (addition: string) => void;
}

export function useExplorer(): Explorer {
  const [params, setParams] = useSearchParams();
  const { range } = useTime();
  const state = useMemo(() => parse(params), [params]);
  const query = useMemo(() => toQuery(state, range), [state, range]);
  const update = useCallback((patch: Partial<ExplorerState>) => setParams((old) => write({ ...parse(old), ...patch }, old)), [setParams]);
  const narrow = useCallback(
    (addition: string) => setParams((old) => {
      const now = parse(old);
      return write({ ...now, filter: narrowed(now.filter, addition) }, old);
    }),
    [setParams],
  );
  return { state, query, update, narrow };
}
