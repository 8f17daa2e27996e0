import { describe, expect, it } from "vitest";
import type { DeviceRow, InterfaceRow } from "../../api/types";
import { busier, chosen, distinct, parseList, ports, writeList, type ListState } from "./list";

const row = (name: string, more: Partial<DeviceRow> = {}): DeviceRow => ({
  name, site: "fra", role: "core", vendor: "Example", model: "X1", os: "OS 1", addresses: ["192.0.2.1"], status: "ok", reasons: [], interfaces: 4, interfaces_up: 3, interfaces_down: 1,
  in_bps: 1, out_bps: 1, busiest: 0.5, busiest_interface: "e1", last_change: null, sources: ["snmp"], origins: ["file"], last_seen: null, demo: false, ...more,
});
const ANY: ListState = { search: "", site: "", role: "", attention: false };
const ROWS = [row("fra-1"), row("fra-2", { role: "leaf", status: "warning" }), row("ams-1", { site: "ams", addresses: ["2001:db8::1"] })];

describe("the list of devices", () => {
  it("is narrowed by what the URL says", () => {
    expect(chosen(ROWS, ANY)).toHaveLength(3);
    expect(chosen(ROWS, { ...ANY, search: "FRA leaf" }).map((one) => one.name)).toEqual(["fra-2"]);
    expect(chosen(ROWS, { ...ANY, search: "2001:db8" }).map((one) => one.name)).toEqual(["ams-1"]);
    expect(chosen(ROWS, { ...ANY, attention: true }).map((one) => one.name)).toEqual(["fra-2"]);
    expect(chosen(ROWS, { ...ANY, site: "ams", role: "leaf" })).toEqual([]);
  });
  it("keeps its state through the URL", () => {
    const state: ListState = { search: "a b", site: "fra", role: "core", attention: true };
    expect(parseList(writeList(state, new URLSearchParams("since=now-1h")))).toEqual(state);
    expect(writeList(ANY, new URLSearchParams("since=now-1h&q=x")).toString()).toBe("since=now-1h");
  });
  it("offers what there is, most frequent first", () => {
    expect(distinct(ROWS, (one) => one.site)).toEqual(["fra", "ams"]);
  });
});

const port = (name: string, more: Partial<InterfaceRow> = {}): InterfaceRow => ({
  name, if_index: 1, description: "", type: "", speed_bps: 1e9, oper: "up", admin: "up", in_bps: 0, out_bps: 0, in_utilisation: 0, out_utilisation: 0, errors_per_s: 0, discards_per_s: null,
  optics: null, peer: null, lag: "", mac: "", mtu: 0, addresses: [], boundary: "", provider: "", connectivity: "", circuit: "", query: {}, ...more,
});

describe("interfaces", () => {
  const PORTS = [port("e1"), port("e2", { oper: "down" }), port("e3", { oper: "down", admin: "down" }), port("e4", { errors_per_s: 2, provider: "Lumen" })];
  it("that are switched off are not down", () => {
    expect(ports(PORTS, "down", "").map((one) => one.name)).toEqual(["e2"]);
  });
  it("are found by what is at their other end", () => {
    expect(ports(PORTS, "all", "lumen").map((one) => one.name)).toEqual(["e4"]);
    expect(ports(PORTS, "troubled", "").map((one) => one.name)).toEqual(["e4"]);
  });
  it("are as busy as their busier direction", () => {
    expect(busier(port("x", { in_utilisation: null, out_utilisation: 0.2 }))).toBe(0.2);
    expect(busier(port("x", { in_utilisation: null, out_utilisation: null }))).toBeNull();
  });
});
