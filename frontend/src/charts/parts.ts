/** Kinds of charts that need parts of ECharts of their own. An engine only knows the parts that were there before it. */
const PARTS: Partial<Record<string, () => Promise<unknown>>> = {
  sankey: () => import("./sankeyParts"),
  heatmap: () => import("./heatmapParts"),
  event: () => import("./eventParts"),
};

/** The kinds that share an engine have the same: the kind itself where it needs parts, else nothing. */
export const partsFor = (kind: string): string => (kind in PARTS ? kind : "");

/** Resolves when an engine for it can be made. */
export const loadParts = async (parts: string): Promise<void> => {
  await PARTS[parts]?.();
};
