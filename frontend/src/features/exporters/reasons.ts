/** What a decode error or a drop means, in plain words, and what to do. The server counts; the wording is for people. */

export interface Explanation {
  what: string;
  fix: string;
}

const SEND = "Point only NetFlow, IPFIX or sFlow at this port";
const DEVICE = "Usually a defect of the device's software; look for an update, and capture a few datagrams for `weft decode`";
const TEMPLATES = "Let the device send its templates every minute";

const KNOWN: Record<string, Explanation> = {
  unknown_version: { what: "Neither NetFlow 5, 9, IPFIX nor sFlow 5", fix: SEND },
  short_header: { what: "The datagram ends within its header", fix: SEND },
  too_many_streams: { what: "More (exporter, domain) pairs than are kept apart", fix: "Check for a spoofed or misconfigured sender; raise the limit if they are real" },
  length_mismatch: { what: "The IPFIX message is longer or shorter than it says", fix: "Look for fragmentation on the path; keep export datagrams below the MTU" },
  count_mismatch: { what: "Fewer records than the header announces", fix: DEVICE },
  set_too_short: { what: "A set is shorter than its own header", fix: DEVICE },
  set_truncated: { what: "A set runs beyond its message", fix: "Look for fragmentation on the path; keep export datagrams below the MTU" },
  reserved_set: { what: "A set number that no standard defines", fix: DEVICE },
  template_truncated: { what: "A template ends before its last field", fix: DEVICE },
  template_empty: { what: "A template without fields", fix: DEVICE },
  template_too_large: { what: "A template with absurdly many fields", fix: DEVICE },
  template_bad_id: { what: "A template number below 256", fix: DEVICE },
  too_many_templates: { what: "More templates than are kept for one exporter", fix: "Check why the device announces so many" },
  withdrawal_ignored: { what: "A template was withdrawn over UDP, which the standard forbids; it was kept", fix: "Nothing to do" },
  record_truncated: { what: "A record of variable length runs beyond its set", fix: DEVICE },
  too_many_records: { what: "More records in a datagram than can fit honestly", fix: DEVICE },
  too_many_options: { what: "More options records than are processed at once", fix: "Let the device announce options less often" },
  no_template: { what: "Data came before its template, and the buffer for such data was full", fix: TEMPLATES },
  held_expired: { what: "Data came whose template never did", fix: TEMPLATES },
  bad_agent: { what: "An sFlow agent address of unknown kind", fix: "Set the agent's address on the device" },
  sample_truncated: { what: "An sFlow sample runs beyond its datagram", fix: DEVICE },
  unknown_sample: { what: "An sFlow sample of a format that Weft does not know; skipped", fix: "Nothing is wrong with flow data; tell us which device sends it" },
  bad_frame: { what: "A sampled packet header that cannot be read", fix: "Check the header size that the agent samples (128 bytes is usual)" },
  bad_counter: { what: "An sFlow counter record shorter than its format", fix: DEVICE },
  internal: { what: "A defect of Weft; the datagrams of that batch were skipped", fix: "Please report it with the server's log" },
  queue_full: { what: "The decoder could not keep up", fix: "Give Weft more CPU, or let exporters sample more" },
  not_allowed: { what: "The sender is not in collect.allowed_exporters", fix: "Add it there if it should be" },
  over_quota: { what: "The sender sent more than collect.exporter_quota", fix: "Raise the quota, or let it sample more" },
  not_telemetry: { what: "Datagrams of no flow protocol", fix: SEND },
  unsupported_version: { what: "NetFlow 1, 7, 8 or sFlow 2, 4, which Weft does not read", fix: "Let the device export NetFlow 5, 9, IPFIX or sFlow 5" },
  broken_exporter: { what: "Nearly all datagrams of the sender are malformed, so it is held to a trickle", fix: SEND },
  spool_full: { what: "The store was away for longer than the spool could hold", fix: "Bring the store back, or raise collect.spool_bytes" },
  disk: { what: "Neither the store nor the disk took the batch", fix: "Free disk space in the data directory" },
  internal_error: { what: "Enrichment failed for the batch", fix: "Please report it with the server's log" },
  rejected: { what: "The store refused the batch for good; it is kept on disk", fix: "See the server's log for the store's message" },
};

const spaced = (reason: string): string => {
  const words = reason.replaceAll("_", " ");
  return words.slice(0, 1).toUpperCase() + words.slice(1);
};

export const explain = (reason: string): Explanation => KNOWN[reason] ?? { what: spaced(reason), fix: "" };
