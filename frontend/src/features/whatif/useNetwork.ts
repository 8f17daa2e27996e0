/** What the network model is asked. Answers of a moment are kept; a newer question aborts the older one. */
import { keepPreviousData, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { call } from "../../api/client";
import type { NetworkChange, NetworkLink, NetworkLoads, NetworkModel, NetworkPath, WhatIf } from "../../api/types";

const STALE_MS = 30_000;

export const useModel = (at: string, enabled = true): UseQueryResult<NetworkModel> =>
  useQuery({ queryKey: ["network", at], queryFn: ({ signal }) => call<NetworkModel>(`network?${new URLSearchParams({ at })}`, { signal }), staleTime: STALE_MS, enabled, placeholderData: keepPreviousData });

const LINKS = 1000;

export const useLinks = (at: string, enabled: boolean): UseQueryResult<NetworkLoads> =>
  useQuery({ queryKey: ["network", "load", at], queryFn: ({ signal }) => call<NetworkLoads>(`network/load?${new URLSearchParams({ at, limit: String(LINKS) })}`, { signal }), staleTime: STALE_MS, enabled, placeholderData: keepPreviousData });

export const useWhatIf = (at: string, changes: readonly NetworkChange[], threshold: number): UseQueryResult<WhatIf> =>
  useQuery({
    queryKey: ["network", "what-if", at, changes, threshold], queryFn: ({ signal }) => call<WhatIf>("network/what-if", { body: { at, changes, threshold, top: 200 }, signal }),
    placeholderData: keepPreviousData, staleTime: STALE_MS, enabled: changes.length > 0,
  });

export const usePath = (at: string, source: string, destination: string, changes: readonly NetworkChange[]): UseQueryResult<NetworkPath> =>
  useQuery({
    queryKey: ["network", "path", at, source, destination, changes], queryFn: ({ signal }) => call<NetworkPath>("network/path", { body: { at, source, destination, changes }, signal }),
    placeholderData: keepPreviousData, staleTime: STALE_MS, enabled: source !== "" && destination !== "",
  });

/** How people call a link: its places, and its ends where one place has several. */
export function linkTitle(link: NetworkLink): string {
  const ends = [link.a, link.b].join(" – ");
  const names = [link.a_interface, link.b_interface].filter(Boolean).join(" / ");
  return names ? `${ends} (${names})` : ends;
}
