import { describe, expect, it } from "vitest";
import { ago, clockTime, fromInput, isRelative, moment, rangeLabel, resolve, shifted, tick, toInput, zoomedOut } from "./time";

const NOW = 1_795_000_000;

describe("moments", () => {
  it.each([
    ["now", NOW], ["now-6h", NOW - 21_600], ["now-7d", NOW - 604_800], ["1795000000", NOW], ["2026-11-18T11:06:40Z", NOW],
    ["now/d", Math.floor(NOW / 86_400) * 86_400],
  ])("%s", (text, seconds) => expect(moment(text, NOW)).toBe(seconds));

  it("understands nothing else", () => {
    expect(moment("tomorrow-ish", NOW)).toBeNull();
    expect(resolve({ since: "now", until: "now-1h" }, NOW)).toBeNull();
  });
});

describe("arithmetic", () => {
  const span = { since: NOW - 7200, until: NOW - 3600 };
  it("shifts by half and not beyond now", () => {
    expect(shifted(span, -1, NOW)).toEqual({ since: String(NOW - 9000), until: String(NOW - 5400) });
    expect(shifted({ since: NOW - 3600, until: NOW }, 1, NOW)).toEqual({ since: String(NOW - 3600), until: String(NOW) });
  });
  it("zooms out to twice the width", () => {
    expect(zoomedOut(span, NOW)).toEqual({ since: String(NOW - 9000), until: String(NOW - 1800) });
  });
  it("knows what moves with the clock", () => {
    expect(isRelative({ since: "now-1h", until: "now" })).toBe(true);
    expect(isRelative({ since: "1", until: "now" })).toBe(false);
  });
});

describe("writing", () => {
  it("names relative ranges", () => {
    expect(rangeLabel({ since: "now-6h", until: "now" }, "utc", NOW)).toBe("Last 6 hours");
    expect(rangeLabel({ since: "now-1h", until: "now" }, "utc", NOW)).toBe("Last hour");
  });
  it("writes the day once where both ends share it", () => {
    expect(rangeLabel({ since: String(NOW - 3600), until: String(NOW) }, "utc", NOW)).toBe("18 Nov 2026, 10:06 – 11:06");
  });
  it("shows ticks as precisely as the range needs", () => {
    expect(tick(NOW, "utc", 300)).toBe("11:06:40");
    expect(tick(NOW, "utc", 3600)).toBe("11:06");
    expect(tick(NOW, "utc", 30 * 86_400)).toBe("18 Nov");
  });
  it("goes through an input and back", () => {
    expect(fromInput(toInput(NOW, "utc"), "utc")).toBe(NOW - 40);
    expect(fromInput(toInput(NOW, "local"), "local")).toBe(NOW - 40);
  });
  it("keeps milliseconds where they matter", () => {
    expect(clockTime(NOW * 1000 + 50, "utc")).toBe("11:06:40.050");
    expect(clockTime(NOW * 1000, "utc", true)).toBe("18 Nov 11:06:40.000");
  });
  it("counts ages", () => {
    expect(ago(NOW - 1, NOW)).toBe("just now");
    expect(ago(NOW - 65, NOW)).toBe("1 min ago");
  });
});
