/** A test while it is being written: texts as typed, and only what counts for its kind when it is sent. */
import type { SyntheticTest } from "../../api/types";
import { MESHES, type TestKind } from "./words";

export interface Draft {
  name: string;
  kind: TestKind;
  mesh: boolean;
  targets: string;
  agents: string;
  every_s: number;
  timeout_ms: number;
  family: SyntheticTest["family"];
  enabled: boolean;
  count: number;
  port: number;
  protocol: SyntheticTest["protocol"];
  flows: number;
  max_hops: number;
  method: SyntheticTest["method"];
  headers: string;
  body: string;
  expect_status: string;
  expect_text: string;
  verify_tls: boolean;
  record: SyntheticTest["record"];
  resolvers: string;
  expect_answers: string;
  duration_s: number;
  most_mbps: number;
  loss_percent: number;
  rtt_ms: number;
  jitter_ms: number;
  certificate_days: number;
  least_mbps: number;
}

export const NEW: Draft = {
  name: "", kind: "ping", mesh: false, targets: "", agents: "*", every_s: 60, timeout_ms: 3000, family: "any", enabled: true, count: 5, port: 443,
  protocol: "udp", flows: 16, max_hops: 30, method: "GET", headers: "", body: "", expect_status: "", expect_text: "", verify_tls: true, record: "A",
  resolvers: "", expect_answers: "", duration_s: 5, most_mbps: 100, loss_percent: 0, rtt_ms: 0, jitter_ms: 0, certificate_days: 14, least_mbps: 0,
};

const MEGA = 1e6;
const lines = (text: string): string[] => text.split(/[\n,]+/).map((one) => one.trim()).filter(Boolean);

/** URLs may hold commas: one a line. */
const rows = (text: string): string[] => text.split("\n").map((one) => one.trim()).filter(Boolean);

export function draftOf(test: SyntheticTest): Draft {
  const { limits } = test;
  return {
    ...NEW, ...Object.fromEntries(Object.entries(test).filter(([name]) => name in NEW)) as Partial<Draft>,
    targets: test.targets.join("\n"), agents: test.agents.join("\n"), headers: Object.entries(test.headers).map(([name, value]) => `${name}: ${value}`).join("\n"),
    expect_status: test.expect_status.join(", "), resolvers: test.resolvers.join("\n"), expect_answers: test.expect_answers.join("\n"),
    most_mbps: test.most_bps / MEGA, loss_percent: limits.loss_percent, rtt_ms: limits.rtt_ms, jitter_ms: limits.jitter_ms,
    certificate_days: limits.certificate_days, least_mbps: limits.throughput_bps / MEGA,
  };
}

function headersOf(text: string): Record<string, string> {
  return Object.fromEntries(rows(text).map((line) => {
    const at = line.indexOf(":");
    return at < 0 ? [line, ""] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
  }));
}

/** What each kind has beside what all have. */
function ofKind(draft: Draft): Partial<SyntheticTest> {
  const { kind } = draft;
  if (kind === "ping") return { count: draft.count };
  if (kind === "tcp") return { count: draft.count, port: draft.port };
  if (kind === "trace") return { protocol: draft.protocol, flows: draft.flows, max_hops: draft.max_hops, ...(draft.protocol === "tcp" ? { port: draft.port } : {}) };
  if (kind === "dns") return { record: draft.record, resolvers: lines(draft.resolvers), expect_answers: lines(draft.expect_answers) };
  if (kind === "throughput") return { duration_s: draft.duration_s, most_bps: draft.most_mbps * MEGA };
  return {
    method: draft.method, headers: headersOf(draft.headers), expect_status: lines(draft.expect_status).map(Number), expect_text: draft.expect_text, verify_tls: draft.verify_tls,
    ...(draft.method === "POST" ? { body: draft.body } : {}),
  };
}

/** As it is sent. */
export function testOf(draft: Draft): Record<string, unknown> {
  const mesh = draft.mesh && MESHES.includes(draft.kind);
  return {
    name: draft.name.trim(), kind: draft.kind, mesh, targets: mesh ? [] : rows(draft.targets), agents: lines(draft.agents).length ? lines(draft.agents) : ["*"],
    every_s: draft.every_s, timeout_ms: draft.timeout_ms, family: draft.family, enabled: draft.enabled, ...ofKind(draft),
    limits: {
      loss_percent: draft.loss_percent, rtt_ms: draft.rtt_ms, jitter_ms: draft.jitter_ms, certificate_days: draft.certificate_days, throughput_bps: draft.least_mbps * MEGA,
    },
  };
}

/** What is missing before it can be sent; empty where nothing is. */
export function missing(draft: Draft): string {
  if (!draft.name.trim()) return "Give it a name";
  if (!(draft.mesh && MESHES.includes(draft.kind)) && rows(draft.targets).length === 0) return draft.kind === "http" ? "Name a URL" : "Name a target";
  return "";
}
