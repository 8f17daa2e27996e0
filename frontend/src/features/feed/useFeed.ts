/** The records of a feed: pages going back in time, or, followed live, only the newest. */
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { call } from "../../api/client";
import { useView } from "../../api/queries";
import type { Query, ViewResult } from "../../api/types";
import { entriesOf, type Entry } from "./entries";

export const PAGE = 200;
const TAIL_MS = 2000;

export interface Feed {
  entries: Entry[];
  /** The first answer: what the numbers rest on, and what is marked. */
  result: ViewResult | undefined;
  error: Error | null;
  fetching: boolean;
  more: boolean;
  fetchMore: () => void;
  refetch: () => void;
}

/** `tail`: follow the newest; `paused`: they are followed, but being read right now. */
export function useFeed(query: Query, { tail, paused, refresh }: { tail: boolean; paused: boolean; refresh: number | false }): Feed {
  const pages = useInfiniteQuery({
    queryKey: ["feed", query],
    queryFn: ({ pageParam, signal }) => call<ViewResult>("query", { body: { ...query, limit: PAGE, ...(pageParam ? { before: pageParam } : {}) }, signal }),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_before ?? undefined,
    placeholderData: keepPreviousData,
    refetchInterval: refresh,
    staleTime: 10_000,
    enabled: !tail,
  });
  const newest = useMemo<Query>(() => ({ ...query, limit: PAGE, since: "now-15m", until: "now" }), [query]);
  const live = useView(newest, { enabled: tail, refresh: paused ? false : TAIL_MS });
  const followed = useMemo(() => (live.data ? [live.data] : undefined), [live.data]);
  const shown = tail ? followed : pages.data?.pages;
  const entries = useMemo(() => entriesOfAll(shown ?? []), [shown]);
  const current = tail ? live : pages;
  return {
    entries, result: shown?.[0], error: current.error, fetching: current.isFetching && !tail,
    more: !tail && pages.hasNextPage, fetchMore: () => { if (!pages.isFetchingNextPage) void pages.fetchNextPage(); }, refetch: () => void current.refetch(),
  };
}

/** One list of all pages: ids are given over the whole, so that two lines that say the same stay two. */
function entriesOfAll(pages: readonly ViewResult[]): Entry[] {
  const [first] = pages;
  if (!first) return [];
  const labels: ViewResult["labels"] = {};
  for (const page of pages) for (const [column, named] of Object.entries(page.labels)) labels[column] = { ...labels[column], ...named };
  return entriesOf({ columns: first.columns, rows: pages.flatMap((page) => page.rows), labels });
}
