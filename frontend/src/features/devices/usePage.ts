import { keepPreviousData, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { call } from "../../api/client";
import { useTime } from "../../app/time";

const LIVE_MS = 30_000;

/** A page's answer about its time range; renewed by itself while the range ends now. The old one stays meanwhile. */
export function usePage<T>(path: string, sinceToo = true, more: Readonly<Record<string, string>> | [string, string][] = {}, liveMs = LIVE_MS): UseQueryResult<T> {
  const { range, interval } = useTime();
  const params = new URLSearchParams(more);
  if (sinceToo) params.set("since", range.since);
  params.set("until", range.until);
  const full = `${path}?${params}`;
  return useQuery({
    queryKey: ["get", full], queryFn: ({ signal }) => call<T>(full, { signal }), placeholderData: (old, query) => (String(query?.queryKey[1]).startsWith(`${path}?`) ? keepPreviousData(old) : undefined),
    refetchInterval: range.until === "now" ? interval || liveMs : false,
  });
}

/** A device in a path of the API: its slashes, if any, escaped. */
export const deviceApi = (name: string): string => `devices/${encodeURIComponent(name)}`;
