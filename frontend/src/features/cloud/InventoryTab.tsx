import { Drawer, SegmentedControl, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useState } from "react";
import { useGet } from "../../api/queries";
import type { InventoryObjects } from "../../api/types";
import { useParam } from "../../app/params";
import { plural } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { DataTable, type Column } from "../../ui/DataTable";
import { FactList } from "../../ui/FactList";
import layout from "../../ui/layout.module.css";
import { Panel } from "../../ui/Panel";
import { EmptyState } from "../../ui/States";
import { valueText } from "../devices/DeviceInventory";
import { originName } from "../devices/words";
import { KINDS, PROVIDERS } from "./words";

type InventoryObject = InventoryObjects["objects"][number];

const written = (name: string, value: unknown): string => (name === "provider" ? (PROVIDERS[String(value)] ?? valueText(value)) : valueText(value));

function columnsOf(names: readonly string[]): Column<InventoryObject>[] {
  return [
    { key: "id", title: "Id", mono: true, sort: (row) => row.id, render: (row) => row.id },
    { key: "name", title: "Name", sort: (row) => String(row.attributes["name"] ?? ""), render: (row) => valueText(row.attributes["name"]) },
    ...names.map((name): Column<InventoryObject> => ({
      key: name, title: name.replaceAll("_", " ").replace(/^./, (first) => first.toUpperCase()), sort: (row) => valueText(row.attributes[name]),
      render: (row) => <span title={valueText(row.attributes[name])}>{written(name, row.attributes[name])}</span>,
    })),
  ];
}

/** What the providers say that the network is made of. */
export default function InventoryTab() {
  const [chosen, setChosen] = useParam("kind");
  const [search, setSearch] = useState("");
  const [words] = useDebouncedValue(search, 250);
  const [open, setOpen] = useState<InventoryObject | null>(null);
  const shown = KINDS.find((one) => one.kind === chosen) ?? KINDS[0];
  const answer = useGet<InventoryObjects>(`inventory/${shown?.kind ?? "vpc"}?limit=1000&search=${encodeURIComponent(words)}`, 60_000);
  return (
    <>
      <Panel>
        <div className={layout.tools}>
          <SegmentedControl size="sm" aria-label="Kind" value={shown?.kind ?? ""} onChange={(value) => setChosen(value === "vpc" ? "" : value)} data={KINDS.map(({ kind, title }) => ({ value: kind, label: title }))} />
          <TextInput size="sm" aria-label="Search" placeholder="Search" value={search} onChange={(event) => setSearch(event.currentTarget.value)} />
        </div>
      </Panel>
      <Panel title={shown?.title} hint={answer.data && plural(answer.data.total, "object")} flush>
        <Answer of={answer} rows={8}>
          {(data) => (
            <DataTable
              columns={columnsOf(shown?.columns ?? [])} rows={data.objects} rowKey={(row) => row.id} caption={shown?.title ?? ""} maxHeight={620} onPick={setOpen}
              empty={<EmptyState title={words ? "Nothing matches" : "Nothing known"} icon="cloud">{!words && "Give Weft what the providers' command lines print: see “Cloud inventory” in the documentation."}</EmptyState>}
            />
          )}
        </Answer>
      </Panel>
      <Drawer opened={open !== null} onClose={() => setOpen(null)} title={open?.id} size={620} position="right">
        {open && <FactList facts={[...Object.entries(open.attributes).map(([name, value]) => [name.replaceAll("_", " "), written(name, value)] as const), ["told by", open.origins.map(originName).join(", ")] as const]} />}
      </Drawer>
    </>
  );
}
