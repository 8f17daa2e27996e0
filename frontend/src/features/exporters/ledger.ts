/** The loss ledger: where, between the network and the store, telemetry of an exporter or of all went missing. */
import type { Exporter, Pipeline } from "../../api/types";
import { grouped } from "../../lib/units";

export interface Stage {
  name: string;
  /** What it means when this stage loses something. */
  meaning: string;
  count: number;
  unit: string;
  /** Of what arrived at this stage; null where that is not comparable. */
  share: number | null;
}

interface Counted {
  reason: string;
  count: number;
}

export const sum = (counts: readonly Counted[]): number => counts.reduce((total, one) => total + one.count, 0);
const part = (lost: number, kept: number): number => (lost + kept > 0 ? lost / (lost + kept) : 0);

export function exporterLedger(one: Exporter, pipeline: Pipeline): Stage[] {
  const datagrams = one.streams.reduce((total, stream) => total + stream.datagrams, 0);
  const lost = sum(one.lost);
  const dropped = sum(one.dropped);
  const failed = sum(one.errors);
  const rows = sum(one.lost_rows);
  const unit = one.lost.length === 1 ? (one.lost[0]?.reason ?? "units") : "units";
  return [
    { name: "Network", meaning: "Missing by the exporter's own sequence numbers: lost on the path, or before the exporter could send", count: lost, unit, share: one.loss_share },
    { name: "Kernel", meaning: "Dropped by this machine's kernel because the receive buffer was full (all exporters of the port together)", count: pipeline.kernel_drops, unit: "datagrams", share: part(pipeline.kernel_drops, pipeline.received) },
    { name: "Queue", meaning: "Dropped here before decoding", count: dropped, unit: "datagrams", share: part(dropped, datagrams) },
    { name: "Decode", meaning: "Could not be decoded", count: failed, unit: "errors", share: datagrams > 0 ? Math.min(1, failed / datagrams) : 0 },
    { name: "Held", meaning: "Set aside until its template comes; given up on if it never does", count: one.held + one.expired, unit: "sets", share: null },
    { name: "Store", meaning: "Decoded, but lost before it could be stored", count: rows, unit: "rows", share: part(rows, one.records) },
  ];
}

/** `netflow_v9` → `NetFlow v9`. */
export const protocolName = (protocol: string): string =>
  ({ netflow_v5: "NetFlow v5", netflow_v9: "NetFlow v9", ipfix: "IPFIX", sflow: "sFlow" })[protocol] ?? protocol;

export const samplingText = (rates: readonly number[]): string => {
  const known = rates.filter((rate) => rate > 0).toSorted((one, other) => one - other);
  if (known.length === 0) return "unknown";
  return known.map((rate) => (rate === 1 ? "none" : `1:${grouped(rate)}`)).join(", ");
};
