import { useMemo } from "react";
import { Link } from "wouter";
import { call } from "../../api/client";
import { useChange, useGet } from "../../api/queries";
import type { SavedView } from "../../api/types";
import { useSession } from "../../app/session";
import { usePrefs } from "../../lib/prefs";
import { dateTime } from "../../lib/time";
import { Answer } from "../../ui/Answer";
import { DataTable, type Column } from "../../ui/DataTable";
import { Panel } from "../../ui/Panel";
import { EmptyState } from "../../ui/States";
import { ConfirmDelete } from "./Confirm";

export default function Views() {
  const { user } = useSession();
  const { zone } = usePrefs();
  const views = useGet<SavedView[]>("views");
  const { mutate } = useChange((id: number) => call(`views/${id}`, { method: "DELETE" }), "views");
  const columns = useMemo<Column<SavedView>[]>(() => [
    { key: "name", title: "Name", sort: (one) => one.name, render: (one) => <Link href={String(one.state["url"] ?? "/explore")}>{one.name}</Link> },
    { key: "owner", title: "Owner", sort: (one) => one.owner, render: (one) => (one.mine ? "you" : one.owner) },
    { key: "shared", title: "Seen by", render: (one) => (one.shared ? "everyone" : "you") },
    { key: "updated", title: "Changed", sort: (one) => one.updated, render: (one) => dateTime(one.updated, zone) },
    {
      key: "delete", title: <span className="visually-hidden">Delete</span>, numeric: true,
      render: (one) => (one.mine || user?.role !== "viewer") && (
        <ConfirmDelete label={`Delete ${one.name}`} question={`Delete “${one.name}”?`} consequence={one.shared ? "Everyone loses it." : "The data it shows stays."} act={() => mutate(one.id)} />
      ),
    },
  ], [zone, user, mutate]);
  return (
    <Panel flush>
      <Answer of={views} rows={4}>
        {(rows) => (
          <DataTable
            columns={columns} rows={rows} rowKey={(one) => String(one.id)} caption="Saved views"
            empty={<EmptyState title="No view is saved yet" icon="save">Choose “Views” in the explorer to keep what you see under a name.</EmptyState>}
          />
        )}
      </Answer>
    </Panel>
  );
}
