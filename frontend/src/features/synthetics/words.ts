/** What tests and their states are called, and the colours of states. */
import type { SeriesState, SyntheticTest } from "../../api/types";
import { withParams } from "../../lib/links";
import type { Status } from "../../ui/Status";

export type TestKind = SyntheticTest["kind"];

export const KINDS: readonly { value: TestKind; label: string; does: string }[] = [
  { value: "ping", label: "Ping", does: "ICMP echoes: loss, latency, jitter" },
  { value: "tcp", label: "TCP ping", does: "TCP handshakes with a port: loss, latency, jitter" },
  { value: "trace", label: "Trace", does: "The paths that many flows take, hop by hop" },
  { value: "http", label: "HTTP", does: "A request: status, phases, certificate" },
  { value: "dns", label: "DNS", does: "A look-up, per resolver" },
  { value: "throughput", label: "Throughput", does: "How fast one agent can send to another" },
];

export const kindName = (kind: TestKind): string => KINDS.find((one) => one.value === kind)?.label ?? kind;

/** Kinds that agents can test each other by. */
export const MESHES: readonly TestKind[] = ["ping", "tcp", "trace", "throughput"];

const STATES: Record<SeriesState, { word: string; status: Status }> = {
  ok: { word: "OK", status: "good" }, degraded: { word: "Degraded", status: "warn" }, failed: { word: "Failed", status: "bad" },
  error: { word: "Not carried out", status: "warn" }, silent: { word: "Silent", status: "idle" }, waiting: { word: "Waiting", status: "idle" },
};

export const stateWord = (state: SeriesState): string => STATES[state].word;
export const stateStatus = (state: SeriesState): Status => STATES[state].status;

const ORDER: readonly SeriesState[] = ["failed", "degraded", "error", "silent", "waiting", "ok"];

/** `2 failed, 1 silent` of what is not well; nothing where all is. */
export function trouble(states: Readonly<Partial<Record<string, number>>>): string {
  const words: Record<string, string> = { error: "not carried out" };
  return ORDER.filter((state) => state !== "ok" && states[state]).map((state) => `${states[state]} ${words[state] ?? state}`).join(", ");
}

/** `every 5 min`, as it is set. */
export const everyWords = (seconds: number): string => (seconds % 3600 === 0 ? `${seconds / 3600} h` : seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`);

/** Names of tests hold what people like, dots and slashes too: they are parameters. */
export const testPath = (name: string, kept = "", more: Readonly<Record<string, string>> = {}): string => withParams("/synthetics/test", kept, { name, ...more });
export const syntheticsPath = (part = "", kept = ""): string => withParams(part ? `/synthetics/${part}` : "/synthetics", kept, {});
