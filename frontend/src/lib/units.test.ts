import { describe, expect, it } from "vitest";
import { change, duration, format, grouped, plural, share, significant, write } from "./units";

describe("format", () => {
  it.each([
    [1_240_000_000, "bit/s", "1.24 Gbit/s"], [999, "bit/s", "999 bit/s"], [999_600, "bit/s", "1 Mbit/s"], [0, "bit/s", "0 bit/s"],
    [1500, "B", "1.5 kB"], [12_345, "packet/s", "12.3 k packets/s"], [42, "%", "42 %"], [0.001, "%", "< 0.01 %"], [7, "", "7"], [1234, "", "1.23 k"],
    [-12.34, "dBm", "−12.3 dBm"], [31_000, "rpm", "31 000 rpm"], [45.2, "°C", "45.2 °C"], [1234, "W", "1.23 kW"], [0.25, "ms", "250 µs"],
    [3_000_000, "µs", "3 s"], [0, "s", "0 s"], [12, "error/s", "12 errors/s"], [2500, "messages", "2.5 k messages"], [3, "/s", "3 /s"],
  ])("%d %s is %s", (value, unit, text) => {
    expect(format(value, unit).replaceAll(/[\u00a0\u202f\u2009]/g, " ")).toBe(text);
  });

  it("writes what is not known as a dash", () => {
    expect(format(null, "bit/s")).toBe("–");
    expect(format(Number.NaN, "bit/s")).toBe("–");
    expect(write(undefined, "B")).toEqual({ value: "–", unit: "" });
  });
});

describe("numbers", () => {
  it("keeps significant digits and never goes scientific", () => {
    expect(significant(0.001234)).toBe("0.00123");
    expect(significant(123_456)).toBe("123456");
    expect(significant(-1.5)).toBe("−1.5");
    expect(significant(0.000_000_1)).toBe("0");
  });

  it("groups thousands with thin spaces", () => {
    expect(grouped(1_234_567)).toBe("1\u2009234\u2009567");
    expect(plural(1, "exporter")).toBe("1 exporter");
    expect(plural(3, "exporter")).toBe("3 exporters");
  });

  it("writes durations in two parts at most", () => {
    expect(duration(0.0123)).toBe("12.3 ms");
    expect(duration(90)).toBe("1 min 30 s");
    expect(duration(90_061)).toBe("1 d 1 h");
    expect(duration(3600)).toBe("1 h");
    expect(duration(-90)).toBe("−1 min 30 s");
  });
});

describe("shares and changes", () => {
  it("keeps tiny shares visible", () => {
    expect(share(1, 100_000)).toBe("< 0.1\u00a0%");
    expect(share(1, 0)).toBe("–");
    expect(share(1, 1)).toBe("100\u00a0%");
  });

  it("says new where there was nothing, and times where percent is silly", () => {
    expect(change(10, 0)).toBe("new");
    expect(change(110, 100)).toBe("+10.0\u00a0%");
    expect(change(90, 100)).toBe("−10.0\u00a0%");
    expect(change(2000, 100)).toBe("+20×");
    expect(change(null, 100)).toBe("–");
  });
});
