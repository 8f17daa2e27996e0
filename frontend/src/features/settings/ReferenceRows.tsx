import { Select, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { Link } from "wouter";
import { call } from "../../api/client";
import type { ReferenceKind, ReferenceRow, ReferenceRows } from "../../api/types";
import { usePrefs } from "../../lib/prefs";
import { dateTime } from "../../lib/time";
import { grouped } from "../../lib/units";
import { DataTable, type Column } from "../../ui/DataTable";
import { Panel } from "../../ui/Panel";
import { ErrorState, LoadingState } from "../../ui/States";
import { hrefOf } from "../explorer/datasets";
import css from "./settings.module.css";

const MOST = 200;
const HOLDS = { now: "", later: "not yet", ended: "ended" } as const;
const TITLES: Record<string, string> = { asn: "AS", app: "Application", vlan: "VLAN" };
const titleOf = (kind: string): string => TITLES[kind] ?? kind.slice(0, 1).toUpperCase() + kind.slice(1);

type Zone = Parameters<typeof dateTime>[1];

function columnsOf(kind: ReferenceKind, zone: Zone): Column<ReferenceRow>[] {
  return [
    { key: "key", title: titleOf(kind.kind), sort: (one) => one.key, render: (one) => <><b>{one.key}</b> {HOLDS[one.holds] && <span className="faint">{HOLDS[one.holds]}</span>}</> },
    ...kind.columns.map((column): Column<ReferenceRow> => ({
      key: column.name, title: column.name, hint: column.meaning, sort: (one) => one.values[column.name] ?? null, render: (one) => one.values[column.name] ?? "",
    })),
    { key: "from", title: "Valid from", numeric: true, sort: (one) => one.valid_from, render: (one) => (one.valid_from ? dateTime(one.valid_from, zone) : <span className="faint">always</span>) },
    { key: "to", title: "Valid to", numeric: true, sort: (one) => one.valid_to, render: (one) => (one.valid_to ? dateTime(one.valid_to, zone) : <span className="faint">open</span>) },
    { key: "table", title: "Table", render: (one) => one.table },
  ];
}

/** The dimensions that the tables make, each a question that can be asked at once. */
function Dimensions({ kind }: { kind: ReferenceKind }) {
  const all = Object.entries(kind.dimensions);
  if (all.length === 0) return null;
  return (
    <dl className={css.dimensions}>
      {all.map(([dataset, names]) => (
        <div key={dataset}>
          <dt>{dataset}</dt>
          <dd>{names.map((name) => <Link key={name} href={hrefOf({ dataset, by: [name] })}><code>{name}</code></Link>)}</dd>
        </div>
      ))}
    </dl>
  );
}

function Rows({ kind, text }: { kind: ReferenceKind; text: string }) {
  const { zone } = usePrefs();
  const asked = `enrich/reference/${kind.kind}?limit=${MOST}&text=${encodeURIComponent(text)}`;
  const found = useQuery({ queryKey: ["get", "enrich/reference", asked], queryFn: ({ signal }) => call<ReferenceRows>(asked, { signal }), placeholderData: keepPreviousData });
  const columns = useMemo(() => columnsOf(kind, zone), [kind, zone]);
  if (found.isError) return <ErrorState error={found.error} />;
  if (!found.data) return <LoadingState rows={4} />;
  return (
    <>
      <DataTable columns={columns} rows={found.data.rows} rowKey={(one) => `${one.key} ${one.table} ${one.valid_from ?? ""} ${one.valid_to ?? ""}`} caption={`What tables say of ${kind.kind}s`} empty={<p className="muted">No row holds this text.</p>} />
      {found.data.total > found.data.rows.length && <p className={css.more}>{grouped(found.data.rows.length)} of {grouped(found.data.total)} rows: narrow them with a text.</p>}
    </>
  );
}

/** What reference tables say of sites, customers, interfaces …: row by row, with the time in which each holds. */
export function ReferenceRowsPanel({ kinds }: { kinds: readonly ReferenceKind[] }) {
  const [chosen, choose] = useState("");
  const [text, setText] = useState("");
  const [settled] = useDebouncedValue(text.trim(), 200);
  const kind = kinds.find((one) => one.kind === chosen) ?? kinds[0];
  if (!kind) return null;
  return (
    <Panel
      title="What the tables say" hint="as of each row's own time" flush
      actions={
        <div className={css.row}>
          <Select aria-label="Kind" size="xs" w={170} allowDeselect={false} value={kind.kind} onChange={(value) => choose(value ?? "")} data={kinds.map((one) => ({ value: one.kind, label: `${titleOf(one.kind)} (${grouped(one.rows)})` }))} />
          <TextInput aria-label="Find in rows" size="xs" w={180} placeholder="Find" value={text} onChange={(event) => setText(event.target.value)} />
        </div>
      }
    >
      <Rows kind={kind} text={settled} />
      <Dimensions kind={kind} />
    </Panel>
  );
}
