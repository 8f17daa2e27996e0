import { useEffect, useEffectEvent, useLayoutEffect, useRef, useState, type KeyboardEvent, type RefObject } from "react";
import { complete } from "../../api/queries";
import type { Completion, Completions } from "../../api/types";

export interface CompletionState {
  open: boolean;
  options: Completion[];
  /** Index of the option that Enter or Tab takes; −1 = none chosen yet. */
  active: number;
}

const NONE: Completions = { from: 0, to: 0, options: [] };
const PAUSE_MS = 90;

/** The text with `from`–`to` replaced, and where the cursor then stands. */
export function inserted(text: string, at: Completions, option: Completion): { text: string; cursor: number } {
  const rest = text.slice(at.to);
  const gap = option.insert.endsWith(" ") || rest.startsWith(" ") ? "" : " ";
  const head = text.slice(0, at.from) + option.insert + gap;
  return { text: head + rest, cursor: head.length };
}

/** Completion of the filter at the cursor: asks the server, which knows the grammar, the catalogue and the values. */
export function useCompletion(dataset: string, input: RefObject<HTMLTextAreaElement | null>, text: string, setText: (text: string) => void) {
  const [found, setFound] = useState<Completions>(NONE);
  const [active, setActive] = useState(-1);
  const [wanted, setWanted] = useState(0);
  const cursor = useRef<number | null>(null);
  const open = found.options.length > 0;

  const ask = useEffectEvent((signal: AbortSignal): void => {
    const at = input.current?.selectionStart ?? text.length;
    complete(dataset, text, at, signal).then((answer) => {
      if (signal.aborted) return;
      setFound(answer);
      setActive(-1);
    }, () => setFound(NONE));
  });

  useEffect(() => {
    if (wanted === 0) return;
    const abort = new AbortController();
    const timer = setTimeout(() => ask(abort.signal), PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [wanted]);

  useLayoutEffect(() => {
    if (cursor.current === null) return;
    input.current?.setSelectionRange(cursor.current, cursor.current);
    cursor.current = null;
  });

  const close = (): void => {
    setWanted(0);
    setFound(NONE);
    setActive(-1);
  };
  const request = (): void => setWanted((count) => count + 1);
  const pick = (index: number): void => {
    const option = found.options[index];
    if (!option) return;
    const next = inserted(text, found, option);
    cursor.current = next.cursor;
    setText(next.text);
    setFound(NONE);
    request();
  };

  /** True if the key was for the list. Enter applies the filter unless an option was chosen with the arrows. */
  const onKeyDown = (event: KeyboardEvent): boolean => {
    if (!open) return false;
    const count = found.options.length;
    if (event.key === "ArrowDown") setActive((now) => (now + 1) % count);
    else if (event.key === "ArrowUp") setActive((now) => (now <= 0 ? count : now) - 1);
    else if (event.key === "Tab" && !event.shiftKey) pick(Math.max(0, active));
    else if (event.key === "Enter" && active >= 0) pick(active);
    else if (event.key === "Escape") close();
    else return false;
    event.preventDefault();
    return true;
  };

  return { open, from: found.from, options: found.options, active, request, close, pick, onKeyDown };
}
