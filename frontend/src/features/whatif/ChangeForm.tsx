import { Button, NativeSelect, NumberInput, Select, TextInput } from "@mantine/core";
import { useState } from "react";
import type { NetworkChange, NetworkLoads, NetworkModel } from "../../api/types";
import { KINDS, type ChangeKind } from "./changes";
import { linkTitle } from "./useNetwork";
import css from "./whatif.module.css";

interface Draft {
  link: string;
  node: string;
  from: string;
  to: string;
  group: string;
  provider: string;
  prefixes: string;
  gigabits: number;
  factor: number;
  metric: number;
  delay: number;
}

const EMPTY: Draft = { link: "", node: "", from: "", to: "", group: "", provider: "", prefixes: "", gigabits: 10, factor: 1.5, metric: 100, delay: 10 };
const GIGA = 1e9;

const words = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);

/** The change that a draft stands for; null while something is missing. */
export function changeOf(kind: ChangeKind, draft: Draft): NetworkChange | null {
  const { link, node, from, to } = draft;
  const bps = draft.gigabits * GIGA;
  switch (kind) {
    case "fail_link": return link ? { kind, link } : null;
    case "fail_node": case "overload": return node ? { kind, node } : null;
    case "fail_srlg": return draft.group ? { kind, srlg: draft.group } : null;
    case "maintenance": return node || link ? { kind, nodes: node ? [node] : [], links: link ? [link] : [] } : null;
    case "add_demand": return from && to && bps > 0 ? { kind, ingress: from, egress: to, bps, traffic_class: "" } : null;
    case "scale_demand": return draft.factor >= 0 ? { kind, factor: draft.factor, ingress: from, egress: to, traffic_class: "" } : null;
    case "set_capacity": return link && bps > 0 ? { kind, link, capacity_bps: bps } : null;
    case "set_metric": return link && draft.metric >= 1 ? { kind, link, metric: draft.metric, direction: "both" } : null;
    case "withdraw": return draft.provider || draft.prefixes.trim() ? { kind, provider: draft.provider, prefixes: words(draft.prefixes), node: "", link: "" } : null;
    case "add_link": return from && to && from !== to && bps > 0 ? { kind, a: from, b: to, capacity_bps: bps, delay_ms: draft.delay } : null;
  }
}

interface FieldsProps {
  kind: ChangeKind;
  draft: Draft;
  set: <K extends keyof Draft>(name: K, value: Draft[K]) => void;
  model: NetworkModel;
  links: NetworkLoads | undefined;
}

const NODES: readonly ChangeKind[] = ["fail_node", "overload", "maintenance"];
const LINKS: readonly ChangeKind[] = ["fail_link", "maintenance", "set_capacity", "set_metric"];
const PAIRS: readonly ChangeKind[] = ["add_demand", "scale_demand", "add_link"];
const RATES: readonly ChangeKind[] = ["add_demand", "set_capacity", "add_link"];

const unique = (texts: readonly string[]): string[] => [...new Set(texts.filter(Boolean))].toSorted((one, other) => one.localeCompare(other, "en", { numeric: true }));

/** Places that questions may name: sites first, then everything else of the model. */
export const placesOf = (model: NetworkModel): { group: string; items: string[] }[] => [
  { group: "Sites", items: unique(model.nodes.map((node) => node.site)) },
  { group: "Devices", items: unique(model.nodes.filter((node) => node.kind === "device").map((node) => node.name)) },
  { group: "Outside", items: unique(model.nodes.filter((node) => node.kind !== "device" && node.kind !== "site").map((node) => node.title || node.name)) },
].filter((one) => one.items.length > 0);

function Fields({ kind, draft, set, model, links }: FieldsProps) {
  const number = (name: "gigabits" | "factor" | "metric" | "delay", label: string, suffix: string, min: number, step: number) => (
    <NumberInput size="xs" label={label} value={draft[name]} min={min} step={step} suffix={suffix} onChange={(value) => set(name, typeof value === "number" ? value : Number(value) || 0)} />
  );
  const place = (name: "node" | "from" | "to", label: string, everywhere = false) => (
    <Select size="xs" label={label} searchable clearable={everywhere} placeholder={everywhere ? "anywhere" : "Choose"} limit={60} data={placesOf(model)} value={draft[name] || null} onChange={(value) => set(name, value ?? "")} />
  );
  return (
    <>
      {NODES.includes(kind) && place("node", kind === "maintenance" ? "Device or site (or a link below)" : "Device or site")}
      {LINKS.includes(kind) && (
        <Select
          size="xs" label="Link" searchable clearable={kind === "maintenance"} limit={60} placeholder={links ? "Choose" : "Loading…"} value={draft.link || null} onChange={(value) => set("link", value ?? "")}
          data={(links?.links ?? []).map((one) => ({ value: one.id, label: linkTitle(one) }))}
        />
      )}
      {kind === "fail_srlg" && <Select size="xs" label="Shared risk group" searchable placeholder="Choose" data={Object.keys(model.srlgs).toSorted()} value={draft.group || null} onChange={(value) => set("group", value ?? "")} />}
      {PAIRS.includes(kind) && <div className={css.pair}>{place("from", "From", kind === "scale_demand")}{place("to", "To", kind === "scale_demand")}</div>}
      {kind === "withdraw" && <Select size="xs" label="Who withdraws" searchable clearable placeholder="anybody" data={unique(model.providers)} value={draft.provider || null} onChange={(value) => set("provider", value ?? "")} />}
      {kind === "withdraw" && <TextInput size="xs" label="Prefixes or AS" placeholder="all of them" value={draft.prefixes} onChange={(event) => set("prefixes", event.target.value)} />}
      {RATES.includes(kind) && number("gigabits", kind === "add_demand" ? "Rate" : "Capacity", " Gbit/s", 0, 10)}
      {kind === "scale_demand" && number("factor", "Times", "", 0, 0.1)}
      {kind === "set_metric" && number("metric", "Metric", "", 1, 10)}
      {kind === "add_link" && number("delay", "Delay one way", " ms", 0, 1)}
    </>
  );
}

/** Composes one change and hands it over. */
export function ChangeForm({ model, links, add }: { model: NetworkModel; links: NetworkLoads | undefined; add: (change: NetworkChange) => void }) {
  const [kind, setKind] = useState<ChangeKind>("fail_link");
  const [draft, setDraft] = useState(EMPTY);
  const change = changeOf(kind, draft);
  const submit = (): void => {
    if (!change) return;
    add(change);
    setDraft((old) => ({ ...EMPTY, gigabits: old.gigabits, factor: old.factor }));
  };
  return (
    <form className={css.form} onSubmit={(event) => { event.preventDefault(); submit(); }}>
      <NativeSelect
        size="xs" label="Add a change" value={kind} onChange={(event) => setKind(event.target.value as ChangeKind)}
        data={Object.entries(KINDS).filter(([name]) => name !== "fail_srlg" || Object.keys(model.srlgs).length > 0).map(([value, label]) => ({ value, label }))}
      />
      <Fields kind={kind} draft={draft} set={(name, value) => setDraft((old) => ({ ...old, [name]: value }))} model={model} links={links} />
      <Button type="submit" size="xs" variant="default" disabled={!change}>Add</Button>
    </form>
  );
}
