/** The whole state of the Topology page is its URL; what is usual is left out. */

export interface TopologyState {
  /** Site that is opened; "" = none. */
  site: string;
  /** All devices instead of sites, where no site is opened. */
  devices: boolean;
  /** Schematic instead of the map. */
  scheme: boolean;
  /** The list of links instead of the picture. */
  table: boolean;
  /** Moment on the time slider, UTC seconds; null = the end of the range. */
  at: number | null;
  /** Edge whose panel is open. */
  link: string;
  /** Words that nodes are looked for by. */
  search: string;
  /** What is asked of the model beside the picture. */
  ask: "" | "what-if" | "path";
  /** Ends of the path that is asked for. */
  from: string;
  to: string;
  /** Utilisation from which a link counts as full in a what-if, percent. */
  full: number;
}

const FULL = 80;

export const DEFAULTS: TopologyState = { site: "", devices: false, scheme: false, table: false, at: null, link: "", search: "", ask: "", from: "", to: "", full: FULL };

export function parse(params: URLSearchParams): TopologyState {
  const at = Number(params.get("at"));
  const ask = params.get("ask");
  const full = Number(params.get("full") ?? FULL);
  return {
    site: params.get("site") ?? "",
    devices: params.get("level") === "device",
    scheme: params.get("layout") === "scheme",
    table: params.get("show") === "table",
    at: Number.isInteger(at) && at > 0 ? at : null,
    link: params.get("link") ?? "",
    search: params.get("q") ?? "",
    ask: ask === "what-if" || ask === "path" ? ask : "",
    from: params.get("from") ?? "",
    to: params.get("to") ?? "",
    full: Number.isFinite(full) && full >= 1 && full <= 1000 ? full : FULL,
  };
}

export function write(state: TopologyState, into: URLSearchParams): URLSearchParams {
  const values: Record<string, string> = {
    site: state.site, level: state.devices ? "device" : "", layout: state.scheme ? "scheme" : "", show: state.table ? "table" : "",
    at: state.at === null ? "" : String(state.at), link: state.link, q: state.search,
    ask: state.ask, from: state.from, to: state.to, full: state.full === FULL ? "" : String(state.full),
  };
  const out = new URLSearchParams(into);
  for (const [name, value] of Object.entries(values)) {
    if (value) out.set(name, value);
    else out.delete(name);
  }
  return out;
}

export const isDeviceLevel = (state: TopologyState): boolean => state.devices || state.site !== "";

/** What of the picture the server is asked for. */
export const scope = (state: TopologyState): string => {
  const params = new URLSearchParams();
  if (isDeviceLevel(state)) params.set("level", "device");
  if (state.site) params.set("site", state.site);
  return params.toString();
};
