import { SegmentedControl } from "@mantine/core";
import { useMemo, useState } from "react";
import type { ArcChange, LinkChange, MovedDemand, WhatIf } from "../../api/types";
import { bandOf, percent } from "../../charts/topology";
import { format, plural } from "../../lib/units";
import { DataTable, type Column } from "../../ui/DataTable";
import { Panel } from "../../ui/Panel";
import { linkTitle } from "./useNetwork";
import css from "./whatif.module.css";

const most = (link: LinkChange): number => Math.max(link.forward.after.utilisation, link.backward.after.utilisation);

function Direction({ arc, up }: { arc: ArcChange; up: boolean }) {
  if (!up) return <span className="faint">{percent(arc.before.utilisation)} → down</span>;
  return (
    <span className={css.direction} title={`${format(arc.before.bps, "bit/s")} → ${format(arc.after.bps, "bit/s")}`}>
      <span className="faint">{percent(arc.before.utilisation)} →</span> <b data-over={arc.newly_over || undefined}>{percent(arc.after.utilisation)}</b><i data-band={bandOf(arc.after.utilisation).name} />
    </span>
  );
}

function Links({ outcome }: { outcome: WhatIf }) {
  const columns = useMemo<Column<LinkChange>[]>(() => [
    { key: "link", title: "Link", sort: linkTitle, render: (one) => <span title={linkTitle(one)}>{one.a} – {one.b} {one.what && <small className="faint">{one.what}</small>}</span> },
    { key: "forward", title: "There", numeric: true, sort: (one) => one.forward.after.utilisation, render: (one) => <Direction arc={one.forward} up={one.up_after} /> },
    { key: "backward", title: "Back", numeric: true, sort: (one) => one.backward.after.utilisation, render: (one) => <Direction arc={one.backward} up={one.up_after} /> },
    { key: "moved", title: "Change", numeric: true, hint: "of the direction that changes most", sort: (one) => Math.abs(grown(one)), render: (one) => `${grown(one) > 0 ? "+" : "−"}${format(Math.abs(grown(one)), "bit/s")}` },
    { key: "capacity", title: "Capacity", numeric: true, sort: (one) => one.capacity_after_bps, render: (one) => (one.capacity_before_bps === one.capacity_after_bps ? format(one.capacity_after_bps, "bit/s") : `${format(one.capacity_before_bps, "bit/s")} → ${format(one.capacity_after_bps, "bit/s")}`) },
    { key: "worst", title: "Highest after", numeric: true, sort: most, render: (one) => (one.up_after ? percent(most(one)) : "–") },
  ], []);
  return <DataTable columns={columns} rows={outcome.links} rowKey={(one) => one.id} caption="Links that change" maxHeight={460} empty={<p className="table-foot">No link carries anything else.</p>} />;
}

/** The larger of both directions' change, bit/s. */
function grown(one: LinkChange): number {
  const changes = [one.forward, one.backward].map((arc) => arc.after.bps - arc.before.bps);
  return changes.toSorted((a, b) => Math.abs(b) - Math.abs(a))[0] ?? 0;
}

const OUTCOMES: Record<MovedDemand["outcome"], string> = { moved: "another way", lost: "lost", restored: "arrives again", new: "new", exit: "leaves elsewhere", grown: "other rate" };
const ms = (value: number | null): string => (value === null ? "–" : format(value / 1000, "s"));
const place = (name: string, site: string): string => (site && site !== name ? `${name} (${site})` : name);

function Traffic({ outcome }: { outcome: WhatIf }) {
  const columns = useMemo<Column<MovedDemand>[]>(() => [
    { key: "from", title: "From", sort: (one) => one.source, render: (one) => place(one.source, one.source_site) },
    { key: "to", title: "To", sort: (one) => one.destination, render: (one) => place(one.destination, one.destination_site) },
    { key: "rate", title: "Rate", numeric: true, sort: (one) => Math.max(one.bps_before, one.bps_after), render: (one) => format(Math.max(one.bps_before, one.bps_after), "bit/s") },
    { key: "what", title: "What happens", sort: (one) => one.outcome, render: (one) => <span data-bad={one.outcome === "lost" || undefined}>{OUTCOMES[one.outcome]}{one.outcome === "moved" && one.share_moved < 0.995 ? ` (${percent(one.share_moved)})` : ""}</span> },
    { key: "ways", title: "Way before → after", render: (one) => <span className={css.ways} title={`${one.before.join(" › ")} → ${one.after.join(" › ")}`}><span className="faint">{one.before.join(" › ") || "none"}</span> → {one.after.join(" › ") || "none"}</span> },
    { key: "delay", title: "Delay", numeric: true, sort: (one) => (one.delay_after_ms ?? 0) - (one.delay_before_ms ?? 0), render: (one) => `${ms(one.delay_before_ms)} → ${ms(one.delay_after_ms)}` },
  ], []);
  const rest = outcome.moved_count - outcome.moved.length;
  return (
    <>
      <DataTable columns={columns} rows={outcome.moved} rowKey={(one) => `${one.source}|${one.destination}|${one.traffic_class}|${one.outcome}`} caption="Traffic that moves" maxHeight={460} empty={<p className="table-foot">No traffic moves.</p>} />
      {rest > 0 && <p className="table-foot">{plural(rest, "smaller demand")} not listed.</p>}
    </>
  );
}

function Delays({ outcome }: { outcome: WhatIf }) {
  const columns = useMemo<Column<WhatIf["delays"][number]>[]>(() => [
    { key: "from", title: "From", sort: (one) => one.source, render: (one) => one.source },
    { key: "to", title: "To", sort: (one) => one.destination, render: (one) => one.destination },
    { key: "before", title: "Before", numeric: true, sort: (one) => one.before_ms, render: (one) => ms(one.before_ms) },
    { key: "after", title: "After", numeric: true, sort: (one) => one.after_ms, render: (one) => ms(one.after_ms) },
    { key: "change", title: "Change", numeric: true, sort: (one) => one.after_ms - one.before_ms, render: (one) => `${one.after_ms >= one.before_ms ? "+" : "−"}${ms(Math.abs(one.after_ms - one.before_ms))}` },
    { key: "traffic", title: "Traffic", numeric: true, sort: (one) => one.bps, render: (one) => format(one.bps, "bit/s") },
  ], []);
  return <DataTable columns={columns} rows={outcome.delays} rowKey={(one) => `${one.source}|${one.destination}`} caption="Delay between sites" maxHeight={460} empty={<p className="table-foot">No pair of sites is farther apart or closer.</p>} />;
}

function Ways({ outcome }: { outcome: WhatIf }) {
  const columns = useMemo<Column<WhatIf["asymmetric"][number]>[]>(() => [
    { key: "a", title: "Between", sort: (one) => one.a, render: (one) => `${one.a} and ${one.b}` },
    { key: "forward", title: "There", render: (one) => one.forward.join(" › ") },
    { key: "backward", title: "Back", render: (one) => one.backward.join(" › ") },
    { key: "traffic", title: "Traffic", numeric: true, sort: (one) => one.bps, render: (one) => format(one.bps, "bit/s") },
  ], []);
  return <DataTable columns={columns} rows={outcome.asymmetric} rowKey={(one) => `${one.a}|${one.b}`} caption="Paths that become asymmetric" maxHeight={460} />;
}

type Part = "links" | "traffic" | "delays" | "ways";

/** Everything that would be different, as tables. */
export function Outcome({ outcome }: { outcome: WhatIf }) {
  const [part, setPart] = useState<Part>("links");
  const parts: { value: Part; label: string }[] = [
    { value: "links", label: `Links (${outcome.links_changed})` }, { value: "traffic", label: `Traffic (${outcome.moved_count})` }, { value: "delays", label: `Delay (${outcome.delays.length})` },
    ...(outcome.asymmetric.length > 0 ? [{ value: "ways" as const, label: `Asymmetric (${outcome.asymmetric.length})` }] : []),
  ];
  const Show = { links: Links, traffic: Traffic, delays: Delays, ways: Ways }[part];
  return (
    <Panel title="What changes" hint={`by the model, in ${format(outcome.elapsed_ms / 1000, "s")}`} actions={<SegmentedControl size="xs" aria-label="What to list" value={part} onChange={(value) => setPart(value as Part)} data={parts} />} flush>
      <Show outcome={outcome} />
      {outcome.notes.length > 0 && <ul className={css.notes} aria-label="What this rests on">{outcome.notes.map((note) => <li key={note}>{note}</li>)}</ul>}
    </Panel>
  );
}
