/** Preferences of this browser: small, typed, and harmless to lose. */
import { useSyncExternalStore } from "react";
import type { Zone } from "./time";

export interface Prefs {
  scheme: "dark" | "light" | "auto";
  zone: Zone;
  navCollapsed: boolean;
}

const KEYS = { scheme: "weft.scheme", zone: "weft.zone", navCollapsed: "weft.nav" } as const;
const listeners = new Set<() => void>();

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage blocked: defaults
  }
}

function load(): Prefs {
  const scheme = read(KEYS.scheme);
  return {
    scheme: scheme === "dark" || scheme === "light" ? scheme : "auto",
    zone: read(KEYS.zone) === "utc" ? "utc" : "local",
    navCollapsed: read(KEYS.navCollapsed) === "true",
  };
}

let current = load();

export function setPref<K extends keyof Prefs>(key: K, value: Prefs[K]): void {
  current = { ...current, [key]: value };
  try {
    localStorage.setItem(KEYS[key], String(value));
  } catch {
    // The choice lasts until the page is closed.
  }
  for (const listener of listeners) listener();
}

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export const usePrefs = (): Prefs => useSyncExternalStore(subscribe, () => current);
