import { beforeEach, describe, expect, it } from "vitest";
import { forgetColors, PALETTE_SIZE, slotsFor } from "./seriesColor";

describe("series colours", () => {
  beforeEach(forgetColors);

  it("gives a key the same colour in every chart", () => {
    const first = slotsFor(["https", "dns", "ssh"]);
    const second = slotsFor(["ssh", "quic", "https"]);
    expect(second.get("https")).toBe(first.get("https"));
    expect(second.get("ssh")).toBe(first.get("ssh"));
  });

  it("never gives two keys of one chart the same colour while there are enough", () => {
    for (let round = 0; round < 5; round++) {
      const keys = Array.from({ length: PALETTE_SIZE }, (_, index) => `${round}-${index}`);
      slotsFor(keys);
    }
    const mixed = Array.from({ length: PALETTE_SIZE }, (_, index) => `${index % 5}-${index}`);
    expect(new Set(slotsFor(mixed).values()).size).toBe(PALETTE_SIZE);
  });

  it("wraps round when there are more keys than colours", () => {
    const slots = slotsFor(Array.from({ length: 40 }, (_, index) => `k${index}`));
    expect(slots.size).toBe(40);
    expect([...slots.values()].every((slot) => slot >= 0 && slot < PALETTE_SIZE)).toBe(true);
  });
});
