import { Button, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { call } from "../../api/client";
import { useChange, useGet } from "../../api/queries";
import type { Explanation, ReferenceKind, ReferenceTable } from "../../api/types";
import { useNow } from "../../app/time";
import { useSession } from "../../app/session";
import { ago } from "../../lib/time";
import { grouped } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { DataTable, type Column } from "../../ui/DataTable";
import { Icon } from "../../ui/Icon";
import { Panel } from "../../ui/Panel";
import { EmptyState, ErrorState } from "../../ui/States";
import { StatusPill } from "../../ui/Status";
import { notify } from "../../ui/toast";
import { ReferenceRowsPanel } from "./ReferenceRows";
import css from "./settings.module.css";

type Filled = Explanation["columns"][number];

const FILLED: Column<Filled>[] = [
  { key: "column", title: "Column", render: (one) => one.column },
  { key: "value", title: "Value", render: (one) => one.value || <span className="faint">(none)</span> },
  { key: "prefix", title: "Matched prefix", mono: true, render: (one) => one.prefix },
  { key: "table", title: "Table", render: (one) => one.table },
];

function Explain() {
  const [text, setText] = useState("");
  const [asked, setAsked] = useState("");
  const answer = useQuery({
    queryKey: ["explain", asked], enabled: asked !== "", retry: false,
    queryFn: ({ signal }) => call<Explanation>(`enrich/explain?address=${encodeURIComponent(asked)}`, { signal }),
  });
  return (
    <Panel title="What is known of an address" hint="and which table says so">
      <form className={css.row} onSubmit={(event) => { event.preventDefault(); setAsked(text.trim()); }}>
        <TextInput aria-label="Address" placeholder="192.0.2.1 or 2001:db8::1" w={300} value={text} onChange={(event) => setText(event.target.value)} />
        <Button type="submit" variant="default" disabled={!text.trim()}>Explain</Button>
      </form>
      {answer.isError && <ErrorState error={answer.error} />}
      {answer.data && <div className={css.table}><DataTable columns={FILLED} rows={answer.data.columns} rowKey={(one) => one.column + one.table} caption={`What is known of ${asked}`} empty={<p className="muted">No table knows this address.</p>} /></div>}
    </Panel>
  );
}

function tableColumns(now: number): Column<ReferenceTable>[] {
  return [
    { key: "name", title: "Table", sort: (one) => one.name, render: (one) => <><b>{one.name}</b> <span className="faint">{one.kind}</span>{one.error && <p className={css.bad}>{one.error}</p>}</> },
    { key: "ok", title: "Status", render: (one) => <StatusPill status={one.ok ? "good" : "bad"}>{one.ok ? "Read" : "Broken"}</StatusPill> },
    { key: "rows", title: "Rows", numeric: true, sort: (one) => one.rows, render: (one) => <>{grouped(one.rows)}{one.resting > 0 && <span className="faint" title="Rows that do not hold now, by their valid_from and valid_to"> + {grouped(one.resting)}</span>}</> },
    { key: "columns", title: "Columns", render: (one) => <span title={one.columns.join(", ")}>{one.columns.join(", ")}</span> },
    { key: "path", title: "File", mono: true, render: (one) => <span title={one.path}>{one.path.split("/").slice(-2).join("/")}</span> },
    { key: "loaded", title: "Read", numeric: true, sort: (one) => one.loaded, render: (one) => (one.loaded ? ago(one.loaded, now) : "never") },
  ];
}

export default function Reference() {
  const { user } = useSession();
  const now = useNow(10);
  const tables = useGet<ReferenceTable[]>("enrich/tables");
  const kinds = useGet<ReferenceKind[]>("enrich/reference");
  const reload = useChange(() => call("enrich/reload", { method: "POST" }), "enrich/tables", "enrich/reference");
  const columns = useMemo(() => tableColumns(now), [now]);
  const act = (): void => reload.mutate(undefined, { onSuccess: () => notify("good", "Tables read again"), onError: (error) => notify("bad", error.message) });
  return (
    <div className={css.stack}>
      <Explain />
      <Panel
        title="Reference tables" hint="names and owners of addresses, interfaces, customers, applications" flush
        actions={user?.role !== "viewer" && <Button size="compact-sm" variant="default" leftSection={<Icon name="refresh" size={13} />} loading={reload.isPending} onClick={act}>Read again</Button>}
      >
        <Answer of={tables} rows={4}>
          {(rows) => (
            <DataTable
              columns={columns} rows={rows} rowKey={(one) => one.kind + one.name + one.path} caption="Reference tables"
              empty={<EmptyState title="No reference table is configured" icon="book">Name them under <code>enrich</code> in weft.yaml: prefixes to AS, site, customer; interfaces to provider and boundary; sites and customers to owner, tier, contract.</EmptyState>}
            />
          )}
        </Answer>
      </Panel>
      {kinds.data && <ReferenceRowsPanel kinds={kinds.data} />}
    </div>
  );
}
