import { describe, expect, it } from "vitest";
import type { EventRow, Policy, PolicyPreview } from "../../api/types";
import { heaped } from "./EventList";
import { cell } from "./EvidenceList";
import { body, problem } from "./FeedbackForm";
import { ruleOf } from "./PoliciesTab";
import { amountOf, draftOf, fresh, missing, policyOf, verdictOf } from "./policy";
import { clock, entityName, entityPage, eventPath, lastedText, minuteOf, stateWord, timesOf } from "./words";

const row = (id: string, more: Partial<EventRow> = {}): EventRow => ({
  id, detector: "d", kind: "link_down", kind_title: "", group: "link", severity: "major", state: "closed", title: id, text: "", entity: { kind: "device", id: "chi", title: "" },
  started_s: 100, detected_s: 100, seen_s: 100, ended_s: 200, count: 1, acknowledged_by: "", suppressed_by: "", suppressed_why: "", ...more,
});

describe("grouping", () => {
  it("puts what is open first, then the worst, then the latest", () => {
    const [heap] = heaped([row("a", { severity: "critical" }), row("b", { state: "open", severity: "minor" }), row("c", { started_s: 500 })], "entity");
    expect(heap?.worst.id).toBe("b");
    expect(heap?.events).toHaveLength(3);
  });
  it("leaves each by itself where nothing else is asked", () => expect(heaped([row("a"), row("b")], "")).toHaveLength(2));
  it("groups by kind over places", () => expect(heaped([row("a"), row("b", { entity: { kind: "device", id: "nyc", title: "" } })], "kind")).toHaveLength(1));
});

describe("how an event stands", () => {
  it("says of one that is over that it was suppressed", () => {
    expect(stateWord(row("a"))).toBe("Over");
    expect(stateWord(row("a", { suppressed_by: "line cards" }))).toBe("Over, suppressed");
    expect(stateWord(row("a", { state: "suppressed", suppressed_by: "line cards" }))).toBe("Suppressed");
  });
});

describe("what an event rests on", () => {
  it("is written with moments and units", () => {
    expect(cell(1_795_434_900, "time", "bit/s", "utc")).toContain("2026");
    expect(cell(2.1e9, "lower", "bit/s", "utc").replace(/\s/g, " ")).toBe("2.1 Gbit/s");
    expect(cell(12_345, "packets", "", "utc").replace(/\s/g, " ")).toBe("12 345");
    expect([cell(null, "x", "", "utc"), cell("chi", "x", "", "utc"), cell(0.123456, "x", "", "utc")]).toEqual(["–", "chi", "0.1235"]);
  });
  it("lasted a moment where it lasted no time", () => {
    expect(lastedText(row("a", { started_s: 5, ended_s: 5 }), 9)).toBe("a moment");
    expect(lastedText(row("a", { started_s: 0, ended_s: 90.4 }), 900)).toBe("1 min 30 s");
  });
});

describe("entities", () => {
  it("lead to their pages", () => {
    expect(entityPage({ kind: "interface", id: "chi|et-0/0/0" })).toBe("/devices/chi/interfaces/et-0%2F0%2F0");
    expect(entityPage({ kind: "peer", id: "chi|192.0.2.7" })).toBe("/devices/chi");
    expect(entityPage({ kind: "prefix", id: "203.0.113.0/24" })).toBe("/routing?prefix=203.0.113.0%2F24");
    expect(entityPage({ kind: "host", id: "192.0.2.1" })).toBeNull();
  });
  it("are named for people", () => expect(entityName({ kind: "interface", id: "chi|et-0/0/0" })).toBe("chi et-0/0/0"));
  it("have events with addresses of their own", () => expect(eventPath("a/b")).toBe("/events/e/a%2Fb"));
});

describe("feedback", () => {
  const draft = { zone: "UTC", verdict: "expected" as const, scope: "series" as const, for_s: "", weekday: "0", from: "09:30", to: "11:00", note: " backup " };
  it("says when it holds", () => {
    expect(body(draft)).toMatchObject({ weekday: 0, from_minute: 570, to_minute: 660, note: "backup", for_s: null });
    expect(timesOf({ weekday: 0, from_minute: 570, to_minute: 660, time_zone: "UTC" })).toBe("Mondays 09:30–11:00 UTC");
    expect(timesOf({ weekday: null, from_minute: null, to_minute: null, time_zone: "UTC" })).toBe("every day");
  });
  it("is checked before it is sent", () => {
    expect(problem(draft)).toBe("");
    expect(problem({ ...draft, to: "" })).toContain("09:30");
    expect(problem({ ...draft, to: "09:30" })).toContain("same");
    expect(problem({ ...draft, verdict: "snooze" })).toContain("ends some time");
  });
  it("reads times of the day", () => {
    expect([minuteOf("00:00"), minuteOf("24:00"), minuteOf("24:01"), minuteOf("9:5"), minuteOf("x")]).toEqual([0, 1440, null, null, null]);
    expect(clock(570)).toBe("09:30");
  });
});

describe("policies", () => {
  it("read amounts as people write them", () => {
    expect([amountOf("2.5G"), amountOf("80"), amountOf("-3 k")]).toEqual([2.5e9, 80, -3000]);
    expect(["", "x", "1e", "2Q"].map(amountOf).every(Number.isNaN)).toBe(true);
  });
  it("survive the form", () => {
    const policy: Policy = { ...policyOf({ ...fresh(), name: "Full", by: "site, app", conditions: [{ ...fresh().conditions[0]!, threshold: "2.5G" }] }), when: "a" };
    expect(policy.by).toEqual(["site", "app"]);
    expect(policyOf(draftOf(policy))).toEqual(policy);
    expect(ruleOf(policy)).toBe("bps > 2500000000");
  });
  it("say what is missing", () => {
    expect(missing(fresh())).toContain("needs a number");
    expect(missing({ ...fresh(), conditions: [{ ...fresh().conditions[0]!, threshold: "1", measure: " " }] })).toContain("measures nothing");
  });
  it("say how often they would have fired", () => {
    const preview: PolicyPreview = { spells: [], total: 14, series: 5, fired_series: 2, per_day: 2, judged_share: 1, units: {}, note: "", window: { since: 0, until: 7 * 86400 } };
    expect(verdictOf(preview)).toBe("It would have fired 14 times in 7 days (2 times a day), for 2 of 5 series.");
    expect(verdictOf({ ...preview, total: 1, per_day: 1 / 7, fired_series: 1 })).toContain("(once in 7 days)");
    expect(verdictOf({ ...preview, total: 7, per_day: 1 })).toContain("(once a day)");
    expect(verdictOf({ ...preview, total: 0 })).toContain("not have fired once");
    expect(verdictOf({ ...preview, series: 0 })).toContain("Nothing of what it asks for");
  });
});
