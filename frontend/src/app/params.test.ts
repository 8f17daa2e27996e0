import { describe, expect, it } from "vitest";
import { withValues } from "./params";

describe("withValues", () => {
  it("changes several values at once, drops empty ones and keeps the others", () => {
    const old = new URLSearchParams("since=now-1h&router=a&peer=b");
    expect(withValues(old, { router: "c", peer: "", state: "up" }).toString()).toBe("since=now-1h&router=c&state=up");
    expect(old.toString()).toBe("since=now-1h&router=a&peer=b");
  });
});
