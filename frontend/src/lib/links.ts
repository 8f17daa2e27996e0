/** Addresses of pages, made in one place: who links to a device need not know how its page is reached. */

/** `path?kept&name=value…`; values that are empty are left out. `kept` is the time range, as `useTimeSearch` gives it. */
export function withParams(path: string, kept: string, params: Readonly<Record<string, string>>): string {
  const search = new URLSearchParams(kept);
  for (const [name, value] of Object.entries(params)) if (value) search.set(name, value);
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

/** An address holds dots, and a path that ends like a file name is looked for as a file: so it is a parameter. */
export const exporterPath = (address: string, kept = ""): string => withParams("/sources/exporter", kept, { address });

/** A device by name or address. */
export const devicePath = (name: string, kept = ""): string => withParams(`/devices/${encodeURIComponent(name)}`, kept, {});

/** Names of interfaces hold slashes and dots; each is one part of the path. */
export const interfacePath = (device: string, ifname: string, kept = ""): string =>
  withParams(`/devices/${encodeURIComponent(device)}/interfaces/${encodeURIComponent(ifname)}`, kept, {});

/** The Sources page, for one kind, search or source (by its id). */
export const sourcesPath = (params: { kind?: string; source?: string; search?: string; tab?: string } = {}, kept = ""): string =>
  withParams("/sources", kept, params);

/** A part of the Routing page; without one the look-up, of a `prefix` as of `at`. */
export const routingPath = (part = "", params: Readonly<Record<string, string>> = {}, kept = ""): string =>
  withParams(part ? `/routing/${part}` : "/routing", kept, params);

/** A part of the Cloud page; without one the traffic. */
export const cloudPath = (part = "", kept = ""): string => withParams(part ? `/cloud/${part}` : "/cloud", kept, {});

export interface ExploreLink {
  dataset?: string;
  chart?: string;
  by?: readonly string[];
  measures?: readonly string[];
  filter?: string;
}

/** The explorer with a question; what is left out takes the dataset's usual value. An empty `by` means "everything together". */
export const explorePath = ({ dataset = "flows", chart = "", by, measures = [], filter = "" }: ExploreLink, kept = ""): string =>
  withParams("/explore", kept, {
    dataset: dataset === "flows" ? "" : dataset, chart, by: by ? by.join(",") || "," : "", m: measures.join(","), filter,
  });

/** Columns whose values have a page of their own. */
const DEVICES = new Set(["exporter", "exporter_name"]);
const INTERFACES = new Set(["interface", "in_if", "out_if"]);

/** The page of a value in a table, given what it is called; null where it has none. An interface is called `device: name`. */
export function pageOf(column: string, label: string): string | null {
  if (!label || label === "Other" || label === "unknown" || label === "none") return null;
  if (DEVICES.has(column)) return devicePath(label);
  if (!INTERFACES.has(column)) return null;
  const at = label.indexOf(": "); // an IPv6 address holds colons, but no space
  const [device, name] = [label.slice(0, at), label.slice(at + 2)];
  return at > 0 && !/^(?:ifIndex \d+|unknown|\d*)$/.test(name) ? interfacePath(device, name) : null;
}
