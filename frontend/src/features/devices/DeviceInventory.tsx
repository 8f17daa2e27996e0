import { useMemo } from "react";
import { useGet } from "../../api/queries";
import type { Claim, Device, InventoryEntry, InventoryHistory } from "../../api/types";
import { usePrefs } from "../../lib/prefs";
import { dateTime } from "../../lib/time";
import { plural } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { DataTable, type Column } from "../../ui/DataTable";
import { Panel } from "../../ui/Panel";
import { EmptyState } from "../../ui/States";
import { StatusPill } from "../../ui/Status";
import css from "./devices.module.css";
import { originName } from "./words";

/** Any value that a source may state, as people read it. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined || value === "") return "–";
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map(valueText).join(", ");
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

const COLUMNS: Column<Claim>[] = [
  { key: "attribute", title: "Attribute", sort: (row) => row.attribute, render: (row) => <b className={css.attribute}>{row.attribute.replaceAll("_", " ")}</b> },
  { key: "value", title: "Value in force", render: (row) => <span title={valueText(row.value)}>{valueText(row.value)}</span> },
  { key: "origin", title: "Says so", sort: (row) => row.origin, render: (row) => originName(row.origin) },
  {
    key: "others", title: "Says otherwise", sort: (row) => -Object.keys(row.others).length,
    render: (row) => {
      const others = Object.entries(row.others);
      if (others.length === 0) return <span className="faint">nobody</span>;
      return <span className={css.others}><StatusPill status="warn">{plural(others.length, "source")}</StatusPill>{others.map(([origin, value]) => <span key={origin}>{originName(origin)}: {valueText(value)}</span>)}</span>;
    },
  },
];

const WHAT: Record<string, string> = { stated: "began to state it", changed: "said something else", withdrawn: "states it no more" };

function Entry({ entry }: { entry: InventoryEntry }) {
  const { zone } = usePrefs();
  return (
    <li>
      <time>{dateTime(entry.time, zone, true)}</time>
      <div>
        <b>{originName(entry.origin)}</b> {WHAT[entry.what] ?? entry.what}{entry.scope && <span className="faint"> · {entry.scope}</span>}
        <ul>
          {entry.attributes.slice(0, 12).map((change) => (
            <li key={change.name}><span>{change.name.replaceAll("_", " ")}</span>{change.before !== null && change.before !== undefined && <><del>{valueText(change.before)}</del> → </>}<ins>{valueText(change.after)}</ins></li>
          ))}
        </ul>
      </div>
    </li>
  );
}

function History({ name }: { name: string }) {
  const answer = useGet<InventoryHistory>(`inventory/device/${encodeURIComponent(name)}/history`);
  return (
    <Panel title="History" hint="what each source said of it, newest first">
      <Answer of={answer} rows={4}>
        {(data) => (data.entries.length === 0 ? <EmptyState title="No history yet" icon="clock" /> : <ol className={css.history}>{data.entries.slice(0, 100).map((entry) => <Entry key={`${entry.time} ${entry.origin} ${entry.scope} ${entry.what}`} entry={entry} />)}</ol>)}
      </Answer>
    </Panel>
  );
}

/** What the inventory holds of it: whose word counts, who says otherwise, what was said before. */
export default function DeviceInventory({ device }: { device: Device }) {
  const rows = useMemo(() => device.attributes.toSorted((one, other) => Object.keys(other.others).length - Object.keys(one.others).length), [device]);
  const conflicts = rows.filter((row) => Object.keys(row.others).length > 0).length;
  return (
    <>
      <Panel title={plural(rows.length, "attribute")} hint={conflicts ? `${conflicts} stated differently by several sources` : "no source contradicts another"} flush>
        <DataTable columns={COLUMNS} rows={rows} rowKey={(row) => row.attribute} caption="Attributes" />
      </Panel>
      <History name={device.name} />
    </>
  );
}
