/** One colour per series key, on every chart of every page: HTTPS is the same blue on Home and in the explorer. */

export const PALETTE_SIZE = 14;
/** The remainder has a colour of its own, outside the palette. */
export const OTHER = -1;

const STORE = "weft.series";
const assigned = new Map<string, number>(load());

function load(): [string, number][] {
  try {
    return JSON.parse(sessionStorage.getItem(STORE) ?? "[]") as [string, number][];
  } catch {
    return []; // storage blocked or damaged: colours are assigned afresh
  }
}

function save(): void {
  try {
    sessionStorage.setItem(STORE, JSON.stringify([...assigned].slice(-400)));
  } catch {
    // Nothing depends on it.
  }
}

function leastUsed(taken: ReadonlySet<number>): number {
  const uses = Array.from({ length: PALETTE_SIZE }, () => 0);
  for (const slot of assigned.values()) uses[slot] = (uses[slot] ?? 0) + 1;
  let best = -1;
  for (let slot = 0; slot < PALETTE_SIZE; slot++) {
    if (!taken.has(slot) && (best < 0 || (uses[slot] ?? 0) < (uses[best] ?? 0))) best = slot;
  }
  return best;
}

/**
 * Palette slots for the keys of one chart. A key keeps its slot everywhere; only when two keys of the *same* chart own
 * the same slot (more keys met than colours exist) does the later one borrow a free slot for this chart.
 */
export function slotsFor(keys: readonly string[]): Map<string, number> {
  const taken = new Set<number>();
  const out = new Map<string, number>();
  const clashing: string[] = [];
  for (const key of keys) {
    const slot = assigned.get(key);
    if (slot === undefined || taken.has(slot)) clashing.push(key);
    else {
      taken.add(slot);
      out.set(key, slot);
    }
  }
  for (const key of clashing) {
    const free = leastUsed(taken);
    const slot = free >= 0 ? free : out.size % PALETTE_SIZE;
    if (!assigned.has(key)) assigned.set(key, slot);
    taken.add(slot);
    out.set(key, slot);
  }
  if (clashing.length > 0) save();
  return out;
}

/** The identity of a series: its dimension values, whichever direction or page they come from. */
export const seriesKey = (key: readonly string[]): string => key.join(" · ");

export function forgetColors(): void {
  assigned.clear();
}
