/** The time range of the page, kept in its URL (`since`, `until`, `refresh`); shared by all pages through links. */
import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from "react";
import { useSearchParams } from "wouter";
import { isRelative, resolve, shifted, zoomedOut, absolute, type Span, type TimeRange } from "../lib/time";
import { useParams } from "./params";

export const DEFAULT_RANGE: TimeRange = { since: "now-6h", until: "now" };
export const REFRESHES = [0, 10, 30, 60, 300] as const;

interface TimeState {
  range: TimeRange;
  /** Seconds between refreshes; 0 = off. Only a range that ends now is refreshed. */
  refresh: number;
  /** Milliseconds for react-query. */
  interval: number | false;
  setRange: (range: TimeRange) => void;
  setRefresh: (seconds: number) => void;
  zoomTo: (since: number, until: number) => void;
  zoomOut: () => void;
  shift: (direction: -1 | 1) => void;
}

const Context = createContext<TimeState | null>(null);
const nowSeconds = (): number => Math.floor(Date.now() / 1000);

export function TimeProvider({ children }: { children: ReactNode }) {
  const [params, put] = useParams(false);
  const since = params.get("since") ?? DEFAULT_RANGE.since;
  const until = params.get("until") ?? DEFAULT_RANGE.until;
  const refresh = Number(params.get("refresh") ?? 0) || 0;

  const value = useMemo<TimeState>(() => {
    const range = { since, until };
    const setRange = (next: TimeRange): void => {
      const usual = next.since === DEFAULT_RANGE.since && next.until === DEFAULT_RANGE.until;
      put({ since: usual ? "" : next.since, until: usual || next.until === "now" ? "" : next.until });
    };
    const span = (): Span | null => resolve(range, nowSeconds());
    return {
      range,
      refresh,
      interval: refresh > 0 && isRelative(range) ? refresh * 1000 : false,
      setRange,
      setRefresh: (seconds) => put({ refresh: seconds ? String(seconds) : "" }),
      zoomTo: (from, to) => setRange(absolute({ since: from, until: to })),
      zoomOut: () => {
        const now = span();
        if (now) setRange(zoomedOut(now, nowSeconds()));
      },
      shift: (direction) => {
        const now = span();
        if (now) setRange(shifted(now, direction, nowSeconds()));
      },
    };
  }, [since, until, refresh, put]);
  return <Context value={value}>{children}</Context>;
}

export function useTime(): TimeState {
  const time = useContext(Context);
  if (!time) throw new Error("useTime outside TimeProvider");
  return time;
}

/** UTC seconds, renewed every `every` seconds: what "12 s ago" is counted from. */
export function useNow(every = 5): number {
  const [now, setNow] = useState(nowSeconds);
  useEffect(() => {
    const timer = setInterval(() => setNow(nowSeconds()), every * 1000);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}

/** The part of the query string that other pages keep: the time range. */
export function useTimeSearch(): string {
  const [params] = useSearchParams();
  const kept = new URLSearchParams();
  for (const name of ["since", "until", "refresh"]) {
    const text = params.get(name);
    if (text) kept.set(name, text);
  }
  const text = kept.toString();
  return text ? `?${text}` : "";
}
