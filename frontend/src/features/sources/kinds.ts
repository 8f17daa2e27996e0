/** The kinds of sources: what each is called, what it brings, and how to begin. Order: as a person would set them up. */
import { protocolName } from "../exporters/ledger";

export interface Kind {
  kind: string;
  title: string;
  /** One of them, in a sentence. */
  noun: string;
  brings: string;
  /** Dataset of the explorer that its rows are in. */
  dataset: "flows" | "metrics" | "logs" | "changes" | "business" | "routes" | null;
  docs: string;
}

export const FLOW = "flow";

export const KINDS: readonly Kind[] = [
  {
    kind: FLOW, title: "Flow exporters", noun: "exporter", brings: "NetFlow, IPFIX and sFlow: who talks to whom, how much", dataset: "flows",
    docs: "docs/exporters.md",
  },
  {
    kind: "snmp", title: "SNMP", noun: "device", brings: "Interface counters, health, neighbours and inventory of devices that are polled", dataset: "metrics",
    docs: "docs/snmp.md",
  },
  {
    kind: "gnmi", title: "gNMI", noun: "subscription", brings: "Streamed counters and states, second by second", dataset: "metrics",
    docs: "docs/gnmi.md",
  },
  {
    kind: "syslog", title: "Syslog", noun: "sender", brings: "What devices say in words, read into events", dataset: "logs",
    docs: "docs/syslog.md",
  },
  {
    kind: "trap", title: "SNMP traps", noun: "sender", brings: "Link, peer and hardware events the moment they happen", dataset: "logs",
    docs: "docs/snmp.md",
  },
  {
    kind: "prometheus", title: "Prometheus", noun: "sender", brings: "Metrics of hosts, GPUs and services by remote write", dataset: "metrics",
    docs: "docs/prometheus.md",
  },
  {
    kind: "otlp", title: "OpenTelemetry", noun: "sender", brings: "Metrics and logs over OTLP", dataset: "metrics",
    docs: "docs/otlp.md",
  },
  {
    kind: "agent", title: "Synthetics agents", noun: "agent", brings: "Latency, loss, paths, HTTP and DNS as users meet them", dataset: null,
    docs: "docs/synthetics-agent.md",
  },
  {
    kind: "configs", title: "Configurations", noun: "device", brings: "Who changed what on a device, as a diff with secrets masked", dataset: "changes",
    docs: "docs/configs.md",
  },
  {
    kind: "changes", title: "Changes", noun: "sender", brings: "Deployments, tickets and maintenance, pushed by whatever knows of them", dataset: "changes",
    docs: "docs/changes.md",
  },
  {
    kind: "business", title: "Business", noun: "source", brings: "What the network is for: orders, sign-ins, tickets, pushed or read from files, Prometheus, databases", dataset: "business",
    docs: "docs/business.md",
  },
  {
    kind: "bgp", title: "BGP sessions", noun: "router", brings: "Routes of routers that cannot speak BMP", dataset: "routes",
    docs: "docs/rpki.md",
  },
  {
    kind: "rpki", title: "RPKI", noun: "source", brings: "Which AS may announce which prefix: routes are judged by it", dataset: null,
    docs: "docs/rpki.md",
  },
  {
    kind: "inventory", title: "Inventory", noun: "source", brings: "Sites, devices, interfaces, links, services: what the telemetry is about", dataset: null,
    docs: "docs/inventory.md",
  },
];

/** A kind that this page has no words for yet keeps its own name: plug-ins may add some. */
export const kindOf = (kind: string): Kind =>
  KINDS.find((one) => one.kind === kind) ?? { kind, title: kind, noun: "source", brings: "", dataset: null, docs: "docs/sources.md" };

const PROTOCOLS = new Set(["netflow_v5", "netflow_v9", "ipfix", "sflow"]);

/** What feeds a device or counts for an interface: a kind of source, or a protocol of flows. */
export const feedName = (kind: string): string => (PROTOCOLS.has(kind) ? protocolName(kind) : kindOf(kind).title);
