/** Keys that work anywhere. Single keys never fire while something is being typed. */
import { useEffect, useEffectEvent } from "react";
import { useLocation } from "wouter";
import { PAGES } from "./nav";
import { useTime, useTimeSearch } from "./time";

export const SHORTCUTS: readonly [keys: string, meaning: string][] = [
  ["⌘ K", "Go to anything (Ctrl K on Linux and Windows)"],
  ["/", "Filter"],
  ["[  ]", "Earlier, later"],
  ["−", "Zoom out in time"],
  ["g h", "Home"],
  ["g e", "Explore"],
  ["g t", "Topology"],
  ["g d", "Devices"],
  ["g y", "Synthetics"],
  ["g r", "Routing"],
  ["g s", "Sources"],
  ["g ,", "Settings"],
  ["?", "This list"],
];

interface Actions {
  palette: () => void;
  help: () => void;
}

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

const focusFilter = (): void => document.querySelector<HTMLTextAreaElement>("[data-filter]")?.focus();

export function useShortcuts({ palette, help }: Actions): void {
  const { shift, zoomOut } = useTime();
  const [, navigate] = useLocation();
  const kept = useTimeSearch();
  const single = useEffectEvent((key: string): boolean => {
    const actions: Record<string, () => void> = {
      "/": focusFilter, "?": help, "[": () => shift(-1), "]": () => shift(1), "-": zoomOut, "−": zoomOut,
    };
    actions[key]?.();
    return key in actions;
  });
  const go = useEffectEvent((key: string) => {
    const page = PAGES.find((one) => one.key === key);
    if (page) navigate(page.path + kept);
  });
  const open = useEffectEvent(palette);

  useEffect(() => {
    let leader = 0;
    const onKey = (event: KeyboardEvent): void => {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        open();
        return;
      }
      if (event.metaKey || event.ctrlKey || event.altKey || typing(event.target)) return;
      if (event.timeStamp - leader < 1200) {
        leader = 0;
        go(event.key);
      } else if (event.key === "g") leader = event.timeStamp;
      else if (single(event.key)) event.preventDefault();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}
