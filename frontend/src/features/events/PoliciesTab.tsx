import { Button } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import { Link } from "wouter";
import { useGet } from "../../api/queries";
import type { Policies, Policy, PolicyRow } from "../../api/types";
import { useTimeSearch } from "../../app/time";
import { duration, significant } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { DataTable, type Column } from "../../ui/DataTable";
import { Icon } from "../../ui/Icon";
import { Panel } from "../../ui/Panel";
import { EmptyState } from "../../ui/States";
import css from "./events.module.css";
import { SeverityPill, useMayAct } from "./parts";
import { eventsPath } from "./words";

const PolicyForm = lazy(() => import("./PolicyForm"));

/** What it looks for, as one writes it down. */
export function ruleOf(policy: Policy): string {
  const said = new Map(policy.conditions.map((one) => [one.name, `${one.measure}${one.against === "value" ? "" : one.against === "change_1d" ? " against yesterday" : " against a week ago"} ${one.op} ${significant(one.threshold, 4)}${one.against === "value" ? "" : "%"}`]));
  if (!policy.when) return [...said.values()].join(" and ");
  return policy.when.replaceAll(/[a-z]\w*/g, (word) => said.get(word) ?? word);
}

const columns = (kept: string): Column<PolicyRow>[] => [
  { key: "name", title: "Policy", sort: (row) => row.policy.name, render: (row) => <span className={css.what}><span>{row.policy.name}{!row.policy.enabled && <span className="faint"> switched off</span>}</span><small>{row.last_error ? <span className={css.error}>{row.last_error}</span> : ruleOf(row.policy)}</small></span> },
  { key: "severity", title: "Severity", render: (row) => <SeverityPill severity={row.policy.severity} over={!row.policy.enabled} /> },
  { key: "by", title: "For each", render: (row) => row.policy.by.join(", ") || <span className="faint">all together</span> },
  { key: "for", title: "Holds for", numeric: true, sort: (row) => row.policy.for_s, render: (row) => (row.policy.for_s ? duration(row.policy.for_s) : "at once") },
  { key: "open", title: "Open", numeric: true, sort: (row) => row.open, render: (row) => (row.open ? <Link href={eventsPath("", kept, { q: row.policy.name })} onClick={(event) => event.stopPropagation()}>{row.open}</Link> : 0) },
  { key: "rate", title: "Events a day", numeric: true, hint: "Over the last seven days", sort: (row) => row.events_day, render: (row) => significant(row.events_day, 2) },
  { key: "author", title: "By", render: (row) => <span className={css.author} title={row.author}>{row.author}</span> },
];

export default function PoliciesTab() {
  const kept = useTimeSearch();
  const may = useMayAct();
  const [form, setForm] = useState<Policy | "new" | null>(null);
  const answer = useGet<Policies>("policies", 30_000);
  const create = may && <Button size="xs" leftSection={<Icon name="plus" size={13} />} onClick={() => setForm("new")}>New policy</Button>;
  return (
    <Answer of={answer} rows={6}>
      {(data) => (
        <>
          <Panel title={data.policies.length === 1 ? "1 policy" : `${data.policies.length} policies`} hint="what you want to be told of, in your own words" flush actions={data.policies.length > 0 && create}>
            <DataTable
              columns={columns(kept)} rows={data.policies} rowKey={(row) => row.policy.name} caption="Policies" rowHeight={52} onPick={may ? (row) => setForm(row.policy) : undefined}
              empty={<EmptyState title="No policy yet" icon="filter" action={create}>Detectors need none. A policy is for what only you know: a link that must stay below 60%, an order rate that must not fall.</EmptyState>}
            />
          </Panel>
          {form && <Suspense fallback={null}><PolicyForm policy={form === "new" ? undefined : form} close={() => setForm(null)} /></Suspense>}
        </>
      )}
    </Answer>
  );
}
