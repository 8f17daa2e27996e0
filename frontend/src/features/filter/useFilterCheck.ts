import { useEffect, useState } from "react";
import { checkFilter } from "../../api/queries";
import type { FilterCheck } from "../../api/types";

type Problem = NonNullable<FilterCheck["error"]>;

const PAUSE_MS = 350;

/** What is wrong with the filter as typed, once typing pauses; null while it is right or not known. */
export function useFilterCheck(dataset: string, text: string): Problem | null {
  const [answer, setAnswer] = useState<{ text: string; problem: Problem | null }>({ text: "", problem: null });
  useEffect(() => {
    if (!text.trim()) return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      checkFilter(dataset, text, abort.signal).then(
        (check) => setAnswer({ text, problem: check.ok ? null : (check.error ?? null) }),
        () => undefined, // the query itself will say what is wrong
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [dataset, text]);
  return answer.text === text ? answer.problem : null;
}
