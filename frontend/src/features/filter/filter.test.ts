import { describe, expect, it } from "vitest";
import { clause, narrowed } from "./clause";
import { tokenize } from "./highlight";
import { inserted } from "./useCompletion";

const kinds = (text: string): string[] => tokenize(text).filter((token) => token.kind !== "space").map((token) => `${token.kind}:${token.text}`);

describe("tokenize", () => {
  it("tells fields from values", () => {
    expect(kinds("DstAS = AS64501 AND InIf.boundary = external")).toEqual([
      "field:DstAS", "operator:=", "value:AS64501", "keyword:AND", "field:InIf.boundary", "operator:=", "value:external",
    ]);
  });
  it("knows lists, prefixes and strings", () => {
    expect(kinds('port IN (80, 443) AND a !<< 10.0.0.0/8 OR b = "x y"')).toEqual([
      "field:port", "keyword:IN", "paren:(", "value:80", "paren:,", "value:443", "paren:)", "keyword:AND", "field:a", "operator:!<<",
      "value:10.0.0.0/8", "keyword:OR", "field:b", "operator:=", 'string:"x y"',
    ]);
  });
  it.each(["", "a =", 'a = "open', "((", "émoji 🦊 = ☃", "a\n= b", "!!!~~"])("loses nothing of %j", (text) => {
    expect(tokenize(text).map((token) => token.text).join("")).toBe(text);
  });
});

describe("clauses", () => {
  it("quotes values", () => {
    expect(clause([{ field: "app", value: 'a "b"' }])).toBe('app = "a \\"b\\""');
    expect(clause([{ field: "app", value: "dns" }], true)).toBe('app != "dns"');
    expect(clause([{ field: "a", value: "1" }, { field: "b", value: "2" }], true)).toBe('NOT (a = "1" AND b = "2")');
  });
  it("narrows without changing what was there", () => {
    expect(narrowed("", "a = 1")).toBe("a = 1");
    expect(narrowed("x = 1", "a = 1")).toBe("x = 1 AND a = 1");
    expect(narrowed("x = 1 OR y = 2", "a = 1")).toBe("(x = 1 OR y = 2) AND a = 1");
    expect(narrowed("(x = 1 OR y = 2)", "a = 1")).toBe("(x = 1 OR y = 2) AND a = 1");
    expect(narrowed('x = " OR "', "a = 1")).toBe('x = " OR " AND a = 1');
    expect(narrowed("x = 1 AND a = 1", "a = 1")).toBe("x = 1 AND a = 1");
  });
});

describe("completion", () => {
  it("replaces what was being typed and leaves one space", () => {
    const option = { label: "src_as", insert: "src_as", kind: "dimension", detail: "" };
    expect(inserted("app = dns AND sr", { from: 14, to: 16, options: [] }, option)).toEqual({ text: "app = dns AND src_as ", cursor: 21 });
    expect(inserted("sr = 1", { from: 0, to: 2, options: [] }, option).text).toBe("src_as = 1");
  });
});
