/** Sites, devices and interfaces for the palette: looked for by the server, for there may be very many. */
import { keepPreviousData, useQueries } from "@tanstack/react-query";
import { call } from "../api/client";
import type { InventoryObjects } from "../api/types";
import { devicePath, interfacePath, withParams } from "../lib/links";
import type { IconName } from "../ui/Icon";

export interface NetworkEntry {
  group: string;
  label: string;
  hint: string;
  icon: IconName;
  path: string;
}

const KINDS = ["site", "device", "interface"] as const;
const MOST = 6;
const LEAST_TEXT = 2;

const said = (value: unknown): string => (typeof value === "string" ? value : "");

function entryOf(kind: (typeof KINDS)[number], one: InventoryObjects["objects"][number], kept: string): NetworkEntry {
  const [first = "", second = ""] = one.key;
  const attributes = one.attributes as Record<string, unknown>;
  const addresses = attributes["addresses"];
  const address = said(Array.isArray(addresses) ? addresses[0] : addresses);
  if (kind === "site") return { group: "Sites", label: said(attributes["description"]) || first, hint: first, icon: "topology", path: withParams("/topology", kept, { site: first }) };
  if (kind === "device") return { group: "Devices", label: first, hint: [first === address ? "" : address, said(attributes["role"]), said(attributes["site"])].filter(Boolean).join(", "), icon: "device", path: devicePath(first, kept) };
  return { group: "Interfaces", label: `${first} ${second}`, hint: said(attributes["description"]), icon: "link", path: interfacePath(first, second, kept) };
}

/** What of the network matches what is typed; nothing for a letter or two less. */
export function useNetworkEntries(text: string, kept: string): NetworkEntry[] {
  const search = text.trim();
  return useQueries({
    queries: KINDS.map((kind) => ({
      queryKey: ["palette", kind, search], enabled: search.length >= LEAST_TEXT, placeholderData: keepPreviousData, staleTime: 30_000, retry: false,
      queryFn: ({ signal }: { signal: AbortSignal }) => call<InventoryObjects>(`inventory/${kind}?${new URLSearchParams({ search, limit: String(MOST) })}`, { signal }),
    })),
    combine: (answers) => (search.length < LEAST_TEXT ? [] : answers.flatMap((answer, index) => (answer.data?.objects ?? []).map((one) => entryOf(KINDS[index] ?? "device", one, kept)))),
  });
}
