import { useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { Link } from "wouter";
import { call } from "../../api/client";
import type { Agent } from "../../api/types";
import { useTimeSearch } from "../../app/time";
import { explorePath, sourcesPath } from "../../lib/links";
import { ago } from "../../lib/time";
import { plural } from "../../lib/units";
import { DataTable, type Column } from "../../ui/DataTable";
import { Panel } from "../../ui/Panel";
import { EmptyState } from "../../ui/States";
import { StatusPill } from "../../ui/Status";
import { notify } from "../../ui/toast";
import { ConfirmDelete } from "../settings/Confirm";
import css from "./synthetics.module.css";

/** The agents: which are heard, what they run. */
export function AgentsPanel({ agents, now, may }: { agents: readonly Agent[]; now: number; may: boolean }) {
  const kept = useTimeSearch();
  const client = useQueryClient();
  const columns = useMemo<Column<Agent>[]>(() => {
    const remove = async (agent: Agent): Promise<void> => {
      try {
        await call(`agents/${encodeURIComponent(agent.name)}`, { method: "DELETE" });
        notify("good", `“${agent.name}” is removed`);
      } catch (error) {
        notify("bad", error instanceof Error ? error.message : String(error));
      }
      await client.invalidateQueries({ predicate: (query) => String(query.queryKey[1]).startsWith("synthetics/") });
    };
    return [
      { key: "name", title: "Agent", sort: (one) => one.name, render: (one) => <Link href={explorePath({ dataset: "probes", by: ["test"], filter: `agent = ${JSON.stringify(one.name)}` }, kept)}>{one.name}</Link> },
      { key: "state", title: "State", sort: (one) => Number(one.live), render: (one) => <StatusPill status={one.live ? "good" : "bad"}>{one.live ? "Heard" : "Not heard"}</StatusPill> },
      { key: "seen", title: "Last", numeric: true, sort: (one) => one.seen, render: (one) => ago(one.seen, now) },
      { key: "tests", title: "Tests", numeric: true, sort: (one) => one.tests, render: (one) => one.tests },
      { key: "addresses", title: "Addresses", mono: true, render: (one) => one.addresses.join(", ") },
      { key: "version", title: "Version", sort: (one) => one.version, render: (one) => [one.version, one.platform].filter(Boolean).join(", ") },
      { key: "capabilities", title: "Can", render: (one) => <span className={css.aim} title={one.capabilities.join(", ")}>{one.capabilities.join(", ")}</span> },
      ...(may ? [{
        key: "remove", title: <span className="visually-hidden">Remove</span>, numeric: true,
        render: (one: Agent) => <ConfirmDelete label={`Remove ${one.name}`} question={`Remove “${one.name}”?`} consequence="Its key is worth nothing from now on; what it measured stays. It can register again with a token." act={() => void remove(one)} />,
      }] : []),
    ];
  }, [kept, now, may, client]);
  const silent = agents.filter((one) => !one.live).length;
  return (
    <Panel title={plural(agents.length, "agent")} hint={silent ? `${silent} not heard` : "all heard"} actions={<Link href={sourcesPath({ kind: "agent" }, kept)}>As sources</Link>} flush>
      <DataTable columns={columns} rows={agents} rowKey={(one) => one.name} caption="Agents" initialSort={{ key: "name", ascending: true }} empty={<EmptyState title="No agent has registered" icon="synthetics">Start one with weft agent: docs/synthetics-agent.md.</EmptyState>} />
    </Panel>
  );
}
