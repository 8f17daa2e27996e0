/** react-query hooks over the API. A newer question aborts the older one; the old answer stays, dimmed, meanwhile. */
import { keepPreviousData, useMutation, useQuery, useQueryClient, type UseQueryResult } from "@tanstack/react-query";
import { call } from "./client";
import type { Catalogue, Completions, FilterCheck, Query, ViewResult } from "./types";

export const useCatalogue = (): UseQueryResult<Catalogue> =>
  useQuery({ queryKey: ["catalogue"], queryFn: ({ signal }) => call<Catalogue>("catalogue", { signal }), staleTime: 300_000 });

export interface ViewOptions {
  enabled?: boolean;
  /** Milliseconds between refreshes; false = only when asked. */
  refresh?: number | false;
}

export function useView(query: Query, { enabled = true, refresh = false }: ViewOptions = {}): UseQueryResult<ViewResult> {
  return useQuery({
    queryKey: ["view", query],
    queryFn: ({ signal }) => call<ViewResult>("query", { body: query, signal }),
    placeholderData: keepPreviousData,
    refetchInterval: refresh,
    staleTime: 10_000,
    enabled,
  });
}

export const complete = (dataset: string, filter: string, cursor: number, signal?: AbortSignal): Promise<Completions> =>
  call<Completions>("filter/complete", { body: { dataset, filter, cursor }, signal });

export const checkFilter = (dataset: string, filter: string, signal?: AbortSignal): Promise<FilterCheck> =>
  call<FilterCheck>("filter/check", { body: { dataset, filter }, signal });

/** A GET that is kept by its path. */
export function useGet<T>(path: string, refresh: number | false = false): UseQueryResult<T> {
  return useQuery({ queryKey: ["get", path], queryFn: ({ signal }) => call<T>(path, { signal }), refetchInterval: refresh });
}

/** A change; afterwards what was read from `touches` is read again. */
export function useChange<V, R = unknown>(act: (value: V) => Promise<R>, ...touches: string[]) {
  const client = useQueryClient();
  return useMutation({ mutationFn: act, onSuccess: () => Promise.all(touches.map((one) => client.invalidateQueries({ queryKey: ["get", one] }))) });
}
