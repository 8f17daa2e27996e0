import { describe, expect, it } from "vitest";
import type { LinkChange, NetworkChange, Topology, TopologyEdge, WhatIf } from "../../api/types";
import { edgesWith, loadsAfter, viewAfter } from "./after";
import { changeOf } from "./ChangeForm";
import { inWords, MOST_CHANGES, parseChanges, toggleFailed, withChanges, writeChanges } from "./changes";

const FAIL: NetworkChange = { kind: "fail_link", link: "chi|et-2/0/0|nyc|et-2/0/0" };
const MORE: NetworkChange = { kind: "add_demand", ingress: "chi", egress: "ams", bps: 2e10, traffic_class: "" };

describe("changes in an address", () => {
  it("come back as they were, beside what else the address says", () => {
    const params = writeChanges([FAIL, MORE], new URLSearchParams("since=now-1h&if=old"));
    expect(params.get("since")).toBe("now-1h");
    expect(parseChanges(params)).toEqual([FAIL, MORE]);
    expect(writeChanges([], params).toString()).toBe("since=now-1h");
  });
  it("are left out where somebody broke them, and are not too many", () => {
    const broken = new URLSearchParams([["if", "{"], ["if", '"text"'], ["if", '{"kind":"explode"}'], ["if", JSON.stringify(FAIL)]]);
    expect(parseChanges(broken)).toEqual([FAIL]);
    const many = Array.from({ length: 40 }, (_, at): NetworkChange => ({ kind: "fail_node", node: `n${at}` }));
    expect(withChanges([], many)).toHaveLength(MOST_CHANGES);
    expect(withChanges([FAIL], [FAIL])).toEqual([FAIL]);
  });
  it("let links fail and stand again", () => {
    const failed = toggleFailed([MORE], ["x", "y"]);
    expect(failed).toHaveLength(3);
    expect(toggleFailed(failed, ["x"])).toHaveLength(2);
    expect(toggleFailed(failed, ["x", "y"])).toEqual([MORE]);
  });
  it("are said in words", () => {
    expect(inWords(FAIL, () => "Chicago – New York")).toBe("Chicago – New York fails");
    expect(inWords(MORE, String)).toBe("20\u00a0Gbit/s more from chi to ams");
  });
});

describe("the form", () => {
  const draft = { link: "", node: "", from: "chi", to: "ams", group: "", provider: "", prefixes: "192.0.2.0/24, AS64501", gigabits: 20, factor: 1.5, metric: 100, delay: 10 };
  it("makes a change once everything is known", () => {
    expect(changeOf("fail_link", draft)).toBeNull();
    expect(changeOf("add_demand", draft)).toEqual(MORE);
    expect(changeOf("add_link", { ...draft, to: "chi" })).toBeNull();
    expect(changeOf("withdraw", draft)).toMatchObject({ prefixes: ["192.0.2.0/24", "AS64501"] });
  });
});

const arc = (utilisation: number): LinkChange["forward"] => ({ before: { bps: 0, utilisation: 0, delay_ms: 0, loss: 0 }, after: { bps: 0, utilisation, delay_ms: 0, loss: 0 }, newly_over: false, relieved: false });
const change = (id: string, a: string, b: string, there: number, back: number, up = true): LinkChange => ({
  id, a, b, a_interface: "", b_interface: "", a_site: "", b_site: "", kind: "", provider: "", what: up ? "" : "down", capacity_before_bps: 1, capacity_after_bps: 1, up_before: true, up_after: up, forward: arc(there), backward: arc(back),
});
const link = (id: string, a: string, b: string): TopologyEdge["links"][number] => ({ id, a: { device: a }, b: { device: b }, oper: "up", forward: { worst: 0.1 }, backward: { worst: 0.2 } }) as unknown as TopologyEdge["links"][number];
const edge = (id: string, ...links: TopologyEdge["links"]): TopologyEdge => ({ id, a: "site:x", b: "site:y", oper: "up", links, forward: { worst: 0.1 }, backward: { worst: 0.2 } }) as unknown as TopologyEdge;

describe("the picture after", () => {
  const outcome = { links: [change("l1", "chi", "nyc", 0.7, 0.3), change("l2", "ams", "lon", 0, 0, false), change("l3", "fra", "ams", 0.5, 0.9)] } as unknown as WhatIf;
  const edges = [edge("e1", link("l1", "chi", "nyc")), edge("e2", link("l2", "lon", "ams")), edge("e3", link("l3", "ams", "fra")), edge("e4", link("l4", "p", "q"))];
  const view = { edges } as unknown as Topology;
  it("has modelled loads in the direction of the edge, measured ones elsewhere", () => {
    const loads = loadsAfter(outcome);
    expect(edges.map(loads)).toEqual([{ forward: 0.7, backward: 0.3 }, { forward: null, backward: null }, { forward: 0.9, backward: 0.5 }, { forward: 0.1, backward: 0.2 }]);
  });
  it("draws what fails as down", () => {
    expect(viewAfter(view, outcome).edges.map((one) => one.oper)).toEqual(["up", "down", "up", "up"]);
    expect([...edgesWith(view, new Set(["l4"]))]).toEqual(["e4"]);
  });
});
