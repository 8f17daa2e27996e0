import { describe, expect, it } from "vitest";
import type { ViewResult } from "../../api/types";
import { diffLines, isDiff } from "./diff";
import { cell, entriesOf, fieldsOf, label, marked } from "./entries";
import { searchOf, withSearch } from "./search";

const column = (name: string, kind = "text") => ({ name, title: name, kind, unit: "" });
const RESULT: Pick<ViewResult, "columns" | "rows" | "labels"> = {
  columns: [column("time", "timestamp"), column("time_device", "timestamp"), column("exporter", "address"), column("message"), column("added", "measure")],
  rows: [
    ["2026-11-22T10:00:00.250Z", "1970-01-01T00:00:00.000Z", "192.0.2.1", "up", 3],
    ["2026-11-22T10:00:00.250Z", "2026-11-22T09:59:20.000Z", "192.0.2.1", "up", 0],
  ],
  labels: { exporter: { "192.0.2.1": "core1" } },
};

describe("entries", () => {
  const [one, other] = entriesOf(RESULT);
  it("keep milliseconds, names and numbers", () => {
    expect(one).toMatchObject({ time: Date.UTC(2026, 10, 22, 10, 0, 0, 250), stamped: null, received: null, numbers: { added: 3 } });
    expect(one && cell(one, "exporter")).toBe("192.0.2.1");
    expect(one && label(one, "exporter")).toBe("core1");
    expect(other?.stamped).toBe(Date.UTC(2026, 10, 22, 9, 59, 20));
  });
  it("have ids of their own even when they say the same", () => {
    expect(one?.id).not.toBe(other?.id);
    expect(entriesOf(RESULT).map((entry) => entry.id)).toEqual([one?.id, other?.id]);
  });
});

describe("fields", () => {
  it("are flattened", () => {
    expect(fieldsOf('{"a": {"b": 1, "c": ["x"]}, "d": "e"}')).toEqual([{ name: "a.b", value: "1" }, { name: "a.c.0", value: "x" }, { name: "d", value: "e" }]);
  });
  it("may be anything", () => {
    expect(fieldsOf("")).toEqual([]);
    expect(fieldsOf("not json")).toEqual([{ name: "fields", value: "not json" }]);
    expect(fieldsOf(`{"a":${"[".repeat(50)}${"]".repeat(50)}}`)).toHaveLength(1);
  });
});

describe("marks", () => {
  it("stand where the words are, whatever their case and signs", () => {
    expect(marked("Link DOWN (a.b)", ["down", "a.b"])).toEqual([
      { text: "Link ", hit: false }, { text: "DOWN", hit: true }, { text: " (", hit: false }, { text: "a.b", hit: true }, { text: ")", hit: false },
    ]);
    expect(marked("axb", ["a.b"])).toEqual([{ text: "axb", hit: false }]);
  });
  it("lose nothing", () => {
    expect(marked("down down", ["down"]).map((piece) => piece.text).join("")).toBe("down down");
    expect(marked("x", [])).toEqual([{ text: "x", hit: false }]);
  });
});

describe("diff", () => {
  const TEXT = "--- before\n+++ after\n@@ -2,3 +2,3 @@ interfaces\n same\n--- a line of dashes\n+new\n \n";
  it("numbers both sides", () => {
    expect(diffLines(TEXT).map(({ kind, before, after }) => [kind, before, after])).toEqual([
      ["file", null, null], ["file", null, null], ["hunk", null, null], ["same", 2, 2], ["removed", 3, null], ["added", null, 3], ["same", 4, 4],
    ]);
    expect(diffLines(TEXT)[4]?.text).toBe("-- a line of dashes");
  });
  it("is told from other text", () => {
    expect(isDiff(TEXT)).toBe(true);
    expect(isDiff("Window: fibre works")).toBe(false);
  });
});

describe("search", () => {
  it("is one condition of the filter", () => {
    expect(withSearch("severity = error", ["message"], "link down")).toBe('severity = error AND message ~ "link down"');
    expect(withSearch('message ~ "old" AND severity = error', ["message"], "new")).toBe('message ~ "new" AND severity = error');
    expect(withSearch('message ~ "old"', ["message"], " ")).toBe("");
    expect(searchOf('severity = error AND message ~ "link down"', ["message"])).toBe("link down");
  });
  it("looks in several fields at once", () => {
    const filter = withSearch("kind = config", ["title", "detail"], 'vlan "20"');
    expect(filter).toBe('kind = config AND (title ~ "vlan \\"20\\"" OR detail ~ "vlan \\"20\\"")');
    expect(searchOf(filter, ["title", "detail"])).toBe('vlan "20"');
    expect(withSearch(filter, ["title", "detail"], "")).toBe("kind = config");
    expect(searchOf("(title ~ a OR detail ~ b)", ["title", "detail"])).toBe("");
  });
});
