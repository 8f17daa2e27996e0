import { describe, expect, test } from "vitest";
import type { RankedPath, RouteEvent } from "../../api/types";
import { changesOf, hops, mayBePrefix, peerOf, whyNot } from "./words";

const path = (over: Partial<RankedPath>): RankedPath => ({ rib: "adj_rib_in_pre", best: false, standing: true, gone: "", lost_at: "", why: "", eligible: false, ...over }) as RankedPath;

describe("AS paths", () => {
  test("prepends are counted, sets stay whole", () => {
    expect(hops("64500 64501 64501 64501 {64502 64503}")).toEqual([{ as: "64500", times: 1 }, { as: "64501", times: 3 }, { as: "{64502 64503}", times: 1 }]);
    expect(hops("")).toEqual([]);
  });
});

test("a neighbour is called by its name, and the router's own table by the router", () => {
  expect(peerOf({ peer: "192.0.2.1", peer_name: "edge1", peer_as: 64500 })).toBe("edge1 AS64500");
  expect(peerOf({ peer: "192.0.2.1", peer_name: "", peer_as: 64500 })).toBe("192.0.2.1 AS64500");
  expect(peerOf({ peer: "", peer_name: "", peer_as: 64500 })).toBe("the router itself");
});

test("why a path is not used", () => {
  expect(whyNot(path({ best: true }))).toBe("");
  expect(whyNot(path({ lost_at: "as_path", why: "shorter AS path: 4" }))).toBe("shorter AS path: 4");
  expect(whyNot(path({ lost_at: "policy" }))).toBe("rejected by policy");
  expect(whyNot(path({ eligible: true }))).toBe("the path in use");
  expect(whyNot(path({}))).toBe("before policy");
  expect(whyNot(path({ standing: false, gone: "session down" }))).toBe("session down");
});

test("what may be a prefix", () => {
  expect(["192.0.2.0/24", "192.0.2.1", "2001:db8::/32", "::1"].map(mayBePrefix)).toEqual([true, true, true, true]);
  expect(["example.com", "", "a", "10.0.0.0/8; DROP"].map(mayBePrefix)).toEqual([false, false, false, false]);
});

test("changes in words", () => {
  const event = { changed: [{ attribute: "local_pref", before: "0", after: "200" }, { attribute: "communities", before: "64500:2 64500:3", after: "64500:1 64500:3" }] } as RouteEvent;
  expect(changesOf(event)).toEqual(["local preference none → 200", "communities +64500:1 −64500:2"]);
});
