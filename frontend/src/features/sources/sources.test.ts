import { describe, expect, it } from "vitest";
import type { Exporter, Source, SourceKind } from "../../api/types";
import { said } from "./KindStrip";
import { intakeSteps } from "./IntakePanel";
import { bar, ratioText, verdictOf, weaknesses } from "./quality";
import { detailOf, exporterRow, kindSums, matching, sourceRow, withoutName } from "./rows";

const source = (more: Partial<Source>): Source => ({
  id: "snmp:core1:161", kind: "snmp", name: "core1", target: "core1:161", exporter: "192.0.2.1", state: "ok", status: "ok", reasons: [], expected_s: 60, first_seen: 1, last_seen: 2,
  received: 10, rows: 100, rows_per_s: 2, lag_s: 0.5, clock_skew_s: null, coverage: 1, gaps: 0, duplicates: 1, late: 2, errors: [], last_error: "", last_error_at: null, detail: {}, ...more,
});
const exporter = (more: Partial<Exporter>): Exporter => ({
  address: "192.0.2.9", name: "edge", status: "ok", reasons: [], records_per_s: 5, last_seen: 3, loss_share: 0, lost: [], streams: [], errors: [], ...more,
} as unknown as Exporter);
const kind = (more: Partial<SourceKind>): SourceKind => ({
  kind: "snmp", total: 3, states: { ok: 2, failing: 1 }, status: "critical", attention: 1, rows: 5, rows_per_s: 7, errors: 0, history: { start: 0, step: 1, unit: "", values: [] }, ...more,
});

describe("rows", () => {
  it("are made of exporters and sources alike", () => {
    expect(sourceRow(source({}))).toMatchObject({ stray: 3, perSecond: 2, state: "ok", finding: "" });
    const silent = exporter({ status: "critical", reasons: [{ status: "critical", code: "silent_exporter", title: "edge has sent nothing for 5 min", detail: "", fix: "", exporter: null, source: null, since: null }] });
    expect(exporterRow(silent)).toMatchObject({ id: "flow:192.0.2.9", state: "silent", finding: "Has sent nothing for 5 min" });
  });
  it("are found by all words and by state", () => {
    const rows = [sourceRow(source({})), sourceRow(source({ id: "b", name: "edge2", state: "failing", status: "critical" }))];
    expect(matching(rows, "EDGE snmp", "").map((row) => row.id)).toEqual(["b"]);
    expect(matching(rows, "", "attention").map((row) => row.id)).toEqual(["b"]);
    expect(matching(rows, "", "ok").map((row) => row.name)).toEqual(["core1"]);
  });
  it("do not repeat the name in the finding", () => {
    expect(withoutName("core1: every attempt fails", "core1")).toBe("Every attempt fails");
  });
});

describe("details", () => {
  it.each([
    ["poll_s", 0.009, ["Poll", "9 ms"]], ["uptime_s", 3_720_000, ["Uptime", "43 d 1 h"]], ["cached_rows", 12, ["Cached rows", "12"]], ["security", "v2c", ["Security", "v2c"]], ["rejected", "a, b", ["Rejected", "a, b"]],
  ])("%s is written with its unit", (name, value, written) => {
    expect(detailOf(name, value)).toEqual(written);
  });
});

describe("kinds", () => {
  it("stand in their order, those of plug-ins last, and say what is wrong", () => {
    const sums = kindSums([exporter({})], [kind({}), kind({ kind: "lldp", total: 1, states: { ok: 1 }, status: "ok", attention: 0 })]);
    expect(sums[0]).toMatchObject({ kind: "flow", total: 1 });
    expect(sums.at(-1)).toMatchObject({ kind: "lldp" });
    expect(sums.find((one) => one.kind === "snmp")).toMatchObject({ failing: 1 });
    expect(sums.map(said).slice(0, 3)).toEqual(["5 records/s", "1 failing", "Not set up"]);
  });
  it("that only need a look say so", () => {
    expect(said({ kind: "syslog", total: 2, failing: 0, silent: 0, degraded: 0, attention: 1, perSecond: 3, status: "warning" })).toBe("1 to look at");
  });
});

describe("intake", () => {
  it("says where rows are stuck", () => {
    const steps = intakeSteps({
      running: true, stored: { metrics: 10 }, lost_rows: [], pending: 0, store_ok: false, store_error: "refused", store_away_since: 1, latency_p50_ms: null, latency_p99_ms: null,
      spool_rows: 5, spool_bytes: 100, spool_oldest_s: 3, rejected_files: 0,
    }, [kind({})]);
    expect(steps.map((step) => step.status)).toEqual(["good", "good", "warn", "bad"]);
    expect(steps.at(-1)?.lines).toEqual(["refused"]);
  });
});

describe("quality", () => {
  it("draws from the middle", () => {
    expect(bar(1)).toEqual({ left: 50, width: 2 });
    expect(bar(0.5)).toEqual({ left: 25, width: 25 });
    expect(bar(1.5)).toEqual({ left: 50, width: 25 });
    expect(bar(1000)).toEqual({ left: 50, width: 50 });
  });
  it("writes ratios", () => {
    expect([ratioText(null), ratioText(0.001), ratioText(0.984), ratioText(1000)]).toEqual(["–", "< 0.01", "0.98", "1000\u00a0×"]);
    expect(verdictOf("new_one").word).toBe("new_one");
  });
  it("lists what makes answers incomplete, worst first", () => {
    const found = weaknesses([source({}), source({ id: "x", name: "x", state: "failing", status: "critical" }), source({ id: "y", name: "y", coverage: 0.5, clock_skew_s: -90, status: "warning" })], [exporter({})]);
    expect(found.map((one) => [one.id, one.status])).toEqual([["x", "bad"], ["y", "warn"]]);
    expect(found[1]?.what).toBe("50 % of the last hour came, clock 90 s behind");
  });
});
