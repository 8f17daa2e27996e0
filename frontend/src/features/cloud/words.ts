/** What the cloud's terms are called on the page. */
export const PROVIDERS: Record<string, string> = { aws: "AWS", azure: "Azure", gcp: "Google Cloud", oci: "Oracle Cloud" };

/** Where traffic that leaves goes, in the order of what it usually costs. */
export const DESTINATIONS: Record<string, { word: string; meaning: string }> = {
  internet: { word: "Internet", meaning: "Public addresses of nobody's cloud: billed by volume, dearest" },
  other_cloud: { word: "Another cloud", meaning: "Addresses of another provider" },
  other_region: { word: "Another region", meaning: "The same provider, another region" },
  on_premises: { word: "On premises", meaning: "By VPN or a private circuit" },
  other_vpc: { word: "Another network", meaning: "Another VPC or virtual network of the region: peering, transit gateway" },
  cloud_service: { word: "A cloud service", meaning: "Object storage, databases and the like of the provider" },
  same_region: { word: "Another zone", meaning: "The same network, another availability zone of the region" },
  same_zone: { word: "The same zone", meaning: "Usually free" },
  unknown: { word: "Unknown", meaning: "The log and the inventory do not tell" },
};

export interface Grouping {
  title: string;
  one: string;
  by: string;
  /** Rows that it says something of. */
  filter?: string;
}

export const TRAFFIC_BY: Record<string, Grouping> = {
  vpc: { title: "Networks", one: "network", by: "vpc" },
  subnet: { title: "Subnets", one: "subnet", by: "subnet" },
  region: { title: "Regions", one: "region", by: "region" },
  gateway: { title: "Gateways", one: "gateway", by: "gateway", filter: `gateway != ""` },
  instance: { title: "Instances", one: "instance", by: "instance", filter: `instance != ""` },
  account: { title: "Accounts", one: "account", by: "account" },
};

export const REJECTED_BY: Record<string, Grouping> = {
  port: { title: "Ports", one: "port", by: "dst_port" },
  source: { title: "Sources", one: "source", by: "src_addr" },
  target: { title: "Destinations", one: "destination", by: "dst_addr" },
  instance: { title: "Instances", one: "instance", by: "instance" },
  rule: { title: "Rules", one: "rule", by: "rule", filter: `rule != ""` },
  vpc: { title: "Networks", one: "network", by: "vpc" },
};

/** Kinds of the inventory that are of clouds, with what to show of each beside its name. */
export const KINDS: readonly { kind: string; title: string; columns: readonly string[] }[] = [
  { kind: "vpc", title: "Networks", columns: ["provider", "account", "region", "prefixes", "flow_logs"] },
  { kind: "subnet", title: "Subnets", columns: ["provider", "region", "zone", "vpc", "prefixes"] },
  { kind: "instance", title: "Instances", columns: ["provider", "zone", "subnet", "size", "state", "addresses"] },
  { kind: "gateway", title: "Gateways", columns: ["provider", "region", "vpc", "kind", "state", "peer_vpc"] },
  { kind: "route_table", title: "Route tables", columns: ["provider", "region", "vpc", "subnets", "routes"] },
  { kind: "security_group", title: "Security groups", columns: ["provider", "region", "vpc", "rules"] },
  { kind: "nic", title: "Interfaces", columns: ["provider", "zone", "subnet", "instance", "addresses"] },
];

/** Conditions that hold together; empty ones say nothing. */
export const allOf = (...filters: readonly string[]): string => filters.filter(Boolean).join(" AND ");
