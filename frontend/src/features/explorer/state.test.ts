import { describe, expect, it } from "vitest";
import { DEFAULTS, isFeed, parse, stateOf, toQuery, usualState, write, type ExplorerState } from "./state";

const RANGE = { since: "now-6h", until: "now" };
const round = (state: ExplorerState): ExplorerState => parse(write(state, new URLSearchParams()));

describe("URL state", () => {
  it("leaves out what is usual", () => {
    expect(write(DEFAULTS, new URLSearchParams("since=now-1h")).toString()).toBe("since=now-1h");
  });

  it("comes back as it was", () => {
    const state: ExplorerState = {
      dataset: "flows", chart: "sankey", by: ["src_as", "dst_as"], measures: ["pps", "bps"], filter: 'src_as = "AS1" AND x << 10.0.0.0/8', top: 25, rank: "max",
      other: false, compare: "7d", every: 300, order: "bytes",
    };
    expect(round(state)).toEqual(state);
  });

  it("keeps an empty grouping apart from the usual one", () => {
    expect(round({ ...DEFAULTS, by: [] }).by).toEqual([]);
  });

  it("takes the usual value for nonsense", () => {
    expect(parse(new URLSearchParams("chart=pie&top=0&rank=best&every=-3&m=,"))).toEqual(DEFAULTS);
  });
});

describe("datasets", () => {
  it("have usual values of their own, and a place in the URL", () => {
    expect(parse(new URLSearchParams("dataset=logs"))).toEqual(usualState("logs"));
    expect(write(usualState("metrics"), new URLSearchParams()).toString()).toBe("dataset=metrics");
    expect(round({ ...usualState("metrics"), measures: ["avg"], by: ["exporter"] })).toEqual({ ...usualState("metrics"), measures: ["avg"], by: ["exporter"] });
    expect(round({ ...usualState("logs"), chart: "stacked" }).chart).toBe("stacked");
  });
  it("need not be known beforehand", () => {
    expect(parse(new URLSearchParams("dataset=probes"))).toMatchObject({ dataset: "probes", chart: "records", by: [], measures: [] });
    expect(parse(new URLSearchParams("dataset=DROP%20TABLE")).dataset).toBe("flows");
  });
  it("leave the measure to the server where none is named", () => {
    expect(toQuery({ ...usualState("metrics"), filter: "metric = cpu_percent" }, RANGE)).toMatchObject({ dataset: "metrics", measures: [], view: "series" });
  });
  it("are read as a feed where that makes sense", () => {
    expect([isFeed(usualState("logs")), isFeed(usualState("changes")), isFeed({ ...usualState("logs"), chart: "lines" }), isFeed({ dataset: "metrics", chart: "records" })]).toEqual([true, true, false, false]);
  });
  it("show an example of the catalogue", () => {
    expect(stateOf({ dataset: "metrics", by: ["interface"], filter: "metric = in_octets" })).toMatchObject({ chart: "lines", by: ["interface"], measures: [], filter: "metric = in_octets" });
    expect(stateOf({ dataset: "logs", by: ["event"] })).toMatchObject({ chart: "stacked", by: ["event"] });
    expect(stateOf({ dataset: "logs", view: "records", filter: 'message ~ "link down"' })).toMatchObject({ chart: "records" });
  });
});

describe("query", () => {
  it("asks for series with a comparison", () => {
    const query = toQuery({ ...DEFAULTS, compare: "previous" }, RANGE);
    expect(query).toMatchObject({ view: "series", by: ["app"], compare_to: "previous", every: null, since: "now-6h" });
  });
  it("asks a Sankey for at most five dimensions and one measure", () => {
    const query = toQuery({ ...DEFAULTS, chart: "sankey", by: ["a", "b", "c", "d", "e", "f"], measures: ["bps", "pps"] }, RANGE);
    expect(query.by).toHaveLength(5);
    expect(query.measures).toEqual(["bps"]);
  });
  it("asks for records without grouping", () => {
    expect(toQuery({ ...DEFAULTS, chart: "records" }, RANGE)).toEqual({ dataset: "flows", view: "records", filter: "", limit: 500, order: "time", ...RANGE });
  });
});
