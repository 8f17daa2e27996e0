/** What the cells of a matrix show and how strongly they are coloured. */
import type { Mesh, MeshCell } from "../../api/types";
import { format } from "../../lib/units";

export type MeshMeasure = "rtt_ms" | "loss" | "jitter_ms" | "availability" | "throughput_bps";

export interface Measure {
  value: MeshMeasure;
  label: string;
  unit: string;
}

const ALL: readonly Measure[] = [
  { value: "throughput_bps", label: "Throughput", unit: "bit/s" }, { value: "rtt_ms", label: "Latency", unit: "ms" }, { value: "loss", label: "Loss", unit: "%" },
  { value: "jitter_ms", label: "Jitter", unit: "ms" }, { value: "availability", label: "Available", unit: "%" },
];

/** In the unit it is shown in. */
export function valueOf(cell: MeshCell, measure: MeshMeasure): number | null {
  const value = cell[measure];
  return value === null ? null : measure === "loss" || measure === "availability" ? value * 100 : value;
}

/** Those that anything was measured of; latency and loss in any case. */
export const measuresOf = (mesh: Mesh): readonly Measure[] =>
  ALL.filter((one) => one.value === "rtt_ms" || one.value === "loss" || mesh.cells.some((cell) => cell[one.value] !== null));

export function cellText(cell: MeshCell, measure: Measure): string {
  const value = valueOf(cell, measure.value);
  return value === null ? "–" : format(value, measure.unit);
}

/** 0–100: how much of the strong colour. Of what should be high, the lack. */
export function heat(value: number | null, top: number, measure: MeshMeasure): number {
  if (value === null || top <= 0) return 0;
  if (measure === "availability") return Math.min(100, (100 - value) * 5);
  if (measure === "loss") return Math.min(100, value * 5);
  return Math.round(100 * (measure === "throughput_bps" ? 1 - value / top : value / top));
}
