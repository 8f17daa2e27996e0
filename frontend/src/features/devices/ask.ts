/** Questions that came with a page's numbers, and what leads from them into the explorer. */
import type { Query } from "../../api/types";
import { explorePath } from "../../lib/links";
import type { TimeRange } from "../../lib/time";

/** A `Query` as the API hands it out: any JSON object. */
export type Posted = Readonly<Record<string, unknown>>;

/** The same question about the time range of the page. */
export const during = (posted: Posted, range: TimeRange): Query => ({ ...(posted as Query), since: range.since, until: range.until });

export function exploreQuery(posted: Posted, kept: string): string {
  const query = posted as Query;
  return explorePath({ dataset: query.dataset ?? "flows", by: query.by ?? [], measures: query.measures ?? [], filter: query.filter ?? "" }, kept);
}

/** `exporter = 10.0.0.1 AND if = 3` of several ends as one filter; empty if one of them cannot be told. */
export function anyOf(filters: readonly string[]): string {
  const known = [...new Set(filters.filter(Boolean))];
  if (known.length < 2) return known[0] ?? "";
  return known.map((filter) => `(${filter})`).join(" OR ");
}

/** Names of metrics as people say them. */
const NAMES: Record<string, string> = {
  in_octets: "In", out_octets: "Out", in_errors: "Errors in", out_errors: "Errors out", in_discards: "Discards in", out_discards: "Discards out",
  in_unicast_pkts: "Unicast in", out_unicast_pkts: "Unicast out", in_multicast_pkts: "Multicast in", out_multicast_pkts: "Multicast out",
  in_broadcast_pkts: "Broadcast in", out_broadcast_pkts: "Broadcast out", optical_rx_dbm: "Received", optical_tx_dbm: "Sent",
  cpu_percent: "CPU", memory_percent: "Memory", memory_used_bytes: "Memory used", memory_total_bytes: "Memory", temperature_celsius: "Temperature", fan_rpm: "Fan",
  power_watts: "Power", uptime_s: "Uptime", laser_temperature_celsius: "Laser temperature", optical_bias_ma: "Laser bias", optical_voltage_v: "Supply voltage",
  oper_status: "Operational", admin_status: "Administrative", storage_used_bytes: "Storage used", storage_total_bytes: "Storage",
  queue_dropped_pkts: "Dropped", ecn_marked_pkts: "ECN marked", wred_dropped_pkts: "WRED dropped", pfc_rx_pkts: "PFC received", pfc_tx_pkts: "PFC sent",
};

export const metricName = (name: string): string => NAMES[name] ?? name.replaceAll("_", " ");

/** `lane="1",queue="3"` as `lane 1, queue 3`. */
export const labelText = (labels: string): string =>
  [...labels.matchAll(/([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => `${name?.replaceAll("_", " ")} ${value?.replaceAll(/\\(.)/g, "$1")}`).join(", ");
