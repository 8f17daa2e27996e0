import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { PALETTE_SIZE } from "../lib/seriesColor";

const CSS = readFileSync(new URL("tokens.css", import.meta.url), "utf8");

function tokens(scheme: string): Map<string, string> {
  const block = new RegExp(`\\[data-mantine-color-scheme="${scheme}"\\] \\{([^}]*)\\}`).exec(CSS)?.[1] ?? "";
  return new Map([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map((match) => [match[1] ?? "", match[2] ?? ""]));
}

const channels = (hex: string): number[] => [1, 3, 5].map((at) => {
  const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
});

function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = channels(hex);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

function oklab(hex: string): number[] {
  const [r = 0, g = 0, b = 0] = channels(hex);
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s, 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
}

/** Perceptual distance in OKLab, × 100. */
function distance(one: string, other: string): number {
  const [a, b] = [oklab(one), oklab(other)];
  return 100 * Math.hypot(...a.map((value, index) => value - (b[index] ?? 0)));
}

describe.each(["dark", "light"])("%s theme", (scheme) => {
  const token = tokens(scheme);
  const get = (name: string): string => token.get(name) ?? "";
  const SURFACES = ["bg", "panel", "raised", "sunken", "hover", "selected"];
  const series = Array.from({ length: PALETTE_SIZE }, (_, index) => `series-${index + 1}`);

  it.each(SURFACES)("text is readable on %s", (surface) => {
    for (const text of ["text", "muted", "faint"]) expect(contrast(get(text), get(surface)), text).toBeGreaterThanOrEqual(4.5);
  });

  it("status and accent are readable where they stand", () => {
    for (const status of ["good", "warn", "bad"]) {
      expect(contrast(get(status), get("panel")), status).toBeGreaterThanOrEqual(4.5);
      expect(contrast(get(status), get(`${status}-soft`)), status).toBeGreaterThanOrEqual(4.5);
    }
    for (const surface of ["panel", "hover", "selected", "accent-soft"]) expect(contrast(get("accent-strong"), get(surface)), surface).toBeGreaterThanOrEqual(4.5);
    expect(contrast(get("on-accent"), get("accent"))).toBeGreaterThanOrEqual(4.5);
  });

  it("every series stands out from the panel", () => {
    for (const name of series) expect(contrast(get(name), get("panel")), name).toBeGreaterThanOrEqual(3);
  });

  it("series can be told apart, and none looks like a status", () => {
    const all = [...series, "series-other"];
    for (const [index, one] of all.entries()) {
      for (const other of all.slice(index + 1)) expect(distance(get(one), get(other)), `${one} ${other}`).toBeGreaterThan(5);
      for (const status of ["good", "warn", "bad"]) expect(distance(get(one), get(status)), `${one} ${status}`).toBeGreaterThan(5);
    }
  });
});
