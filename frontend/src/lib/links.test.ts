import { describe, expect, it } from "vitest";
import { devicePath, explorePath, exporterPath, interfacePath, pageOf, sourcesPath } from "./links";

describe("links", () => {
  it("keep the time range", () => {
    expect(exporterPath("192.0.2.1", "?since=now-1h")).toBe("/sources/exporter?since=now-1h&address=192.0.2.1");
    expect(devicePath("fra-core1")).toBe("/devices/fra-core1");
  });
  it("keep slashes of names within their part of the path", () => {
    expect(interfacePath("a/b", "ge-0/0/1.0", "?since=1&until=2")).toBe("/devices/a%2Fb/interfaces/ge-0%2F0%2F1.0?since=1&until=2");
  });
  it("lead from names of devices and interfaces, and from nothing else", () => {
    expect(pageOf("exporter", "fra-core1")).toBe("/devices/fra-core1");
    expect(pageOf("in_if", "fra-core1: Ethernet1/1")).toBe("/devices/fra-core1/interfaces/Ethernet1%2F1");
    expect(pageOf("interface", "2001:db8::1: eth0")).toBe("/devices/2001%3Adb8%3A%3A1/interfaces/eth0");
    for (const [column, label] of [["app", "https"], ["exporter", "unknown"], ["interface", "Other"], ["interface", "fra-core1"], ["interface", "fra-core1: ifIndex 7"], ["in_if", "2001:db8::1: unknown"]] as const) {
      expect(pageOf(column, label)).toBeNull();
    }
  });
  it("leave out what is usual", () => {
    expect(sourcesPath()).toBe("/sources");
    expect(sourcesPath({ kind: "snmp", source: "snmp:a:161" })).toBe("/sources?kind=snmp&source=snmp%3Aa%3A161");
    expect(explorePath({})).toBe("/explore");
    expect(explorePath({ dataset: "metrics", by: [], measures: ["average"], filter: 'a = "b c"' })).toBe("/explore?dataset=metrics&by=%2C&m=average&filter=a+%3D+%22b+c%22");
  });
});
