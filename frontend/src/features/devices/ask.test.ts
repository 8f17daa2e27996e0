import { describe, expect, it } from "vitest";
import { anyOf, during, exploreQuery, labelText, metricName } from "./ask";

describe("questions of a page", () => {
  const query = { dataset: "metrics", view: "series", measures: ["bps"], by: ["metric"], filter: 'exporter = 10.0.0.1 AND component = "ge-0/0/1"', since: "1", until: "2" };
  it("are asked about the page's own time range", () => {
    expect(during(query, { since: "now-1h", until: "now" })).toMatchObject({ dataset: "metrics", since: "now-1h", until: "now" });
  });
  it("open in the explorer", () => {
    const url = new URL(exploreQuery(query, "?since=now-1h"), "http://weft");
    expect(url.pathname).toBe("/explore");
    expect(Object.fromEntries(url.searchParams)).toMatchObject({ since: "now-1h", dataset: "metrics", by: "metric", m: "bps", filter: query.filter });
  });
  it("join ends only where there is something to join", () => {
    expect(anyOf([])).toBe("");
    expect(anyOf(["a = 1", "a = 1"])).toBe("a = 1");
    expect(anyOf(["a = 1", "b = 2"])).toBe("(a = 1) OR (b = 2)");
  });
});

describe("names", () => {
  it("are those that people say", () => {
    expect(metricName("in_octets")).toBe("In");
    expect(metricName("some_other_thing")).toBe("some other thing");
    expect(labelText('afi_safi="ipv4_unicast",lane="1"')).toBe("afi safi ipv4_unicast, lane 1");
    expect(labelText("")).toBe("");
  });
});
