/** What a page keeps in its address beside the time range: which tab, which row, what is searched for. */
import { useCallback } from "react";
import { useSearchParams } from "wouter";

/** The address with other values; an empty one goes away. */
export function withValues(old: URLSearchParams, values: Readonly<Record<string, string>>): URLSearchParams {
  const next = new URLSearchParams(old);
  for (const [name, value] of Object.entries(values)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  return next;
}

/** Values of the address, and how to change some of them: all at once, since of two changes in a row one would be lost. */
export function useParams(replace = true): [URLSearchParams, (values: Readonly<Record<string, string>>) => void] {
  const [params, setParams] = useSearchParams();
  const put = useCallback((values: Readonly<Record<string, string>>) => setParams((old) => withValues(old, values), { replace }), [replace, setParams]);
  return [params, put];
}

/** One value of the address. `replace`: without a step back to the one before. */
export function useParam(name: string, replace = true): [string, (value: string) => void] {
  const [params, put] = useParams(replace);
  const set = useCallback((value: string) => put({ [name]: value }), [name, put]);
  return [params.get(name) ?? "", set];
}
