import { memo } from "react";
import { pauses } from "../charts/gaps";

interface SparklineProps {
  values: readonly (number | null)[];
  color?: string;
  width?: number;
  height?: number;
  className?: string | undefined;
}

/** Path of the known stretches; a null interrupts the line. */
export function sparkPath(values: readonly (number | null)[], width: number, height: number): string {
  const known = values.filter((value) => value !== null);
  const top = Math.max(...known, 0);
  const low = Math.min(...known, 0); // dBm and the like lie below zero
  const span = top - low || 1;
  const step = width / Math.max(1, values.length - 1);
  let path = "";
  let pen = "M";
  const paused = pauses(values);
  values.forEach((value, index) => {
    if (value === null) {
      if (!paused[index]) pen = "M";
      return;
    }
    path += `${pen}${(index * step).toFixed(1)} ${(height - 1 - ((value - low) / span) * (height - 2)).toFixed(1)}`;
    pen = "L";
  });
  return path;
}

/** The course of one series in a table cell. Decoration: the numbers are in the row. */
export const Sparkline = memo(function Sparkline({ values, color = "var(--accent)", width = 100, height = 20, className }: SparklineProps) {
  return (
    <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden className={className} preserveAspectRatio="none" style={{ verticalAlign: "middle" }}>
      <path d={sparkPath(values, width, height)} fill="none" stroke={color} strokeWidth={1.4} strokeLinejoin="round" />
    </svg>
  );
});
