import { ActionIcon, Button, Menu, Modal, Switch, TextInput, Tooltip } from "@mantine/core";
import { useState } from "react";
import { useLocation, useSearch, useSearchParams } from "wouter";
import { call, download } from "../../api/client";
import { useChange, useGet } from "../../api/queries";
import type { Dataset, Query, SavedView } from "../../api/types";
import { useSession } from "../../app/session";
import { useTime } from "../../app/time";
import { absolute, resolve } from "../../lib/time";
import { Icon } from "../../ui/Icon";
import { notify } from "../../ui/toast";
import { presets } from "./datasets";
import { FLOWS } from "./state";

function SaveDialog({ close }: { close: () => void }) {
  const { user } = useSession();
  const [path] = useLocation();
  const search = useSearch();
  const [name, setName] = useState("");
  const [shared, setShared] = useState(false);
  const save = useChange((body: { name: string; shared: boolean; state: Record<string, unknown> }) => call<SavedView>("views", { body }), "views");
  const submit = (): void => save.mutate({ name: name.trim(), shared, state: { url: search ? `${path}?${search}` : path } }, {
    onSuccess: (view) => { notify("good", `Saved as “${view.name}”`); close(); },
  });
  return (
    <Modal opened onClose={close} title="Save this view" size="sm">
      <form style={{ display: "grid", gap: "var(--s4)" }} onSubmit={(event) => { event.preventDefault(); submit(); }}>
        <TextInput label="Name" required data-autofocus maxLength={120} value={name} onChange={(event) => setName(event.target.value)} error={save.error?.message} />
        {user?.role !== "viewer" && <Switch label="Everyone sees it" checked={shared} onChange={(event) => setShared(event.currentTarget.checked)} />}
        <Button type="submit" loading={save.isPending} disabled={!name.trim()}>Save</Button>
      </form>
    </Modal>
  );
}

/** Which dataset a saved view is of: its URL says. */
export function datasetOfView(view: Pick<SavedView, "state">): string {
  const url = String(view.state["url"] ?? "");
  return new URLSearchParams(url.slice(url.indexOf("?") + 1)).get("dataset") ?? FLOWS;
}

function ViewsMenu({ dataset }: { dataset: Dataset | undefined }) {
  const [, navigate] = useLocation();
  const [params] = useSearchParams();
  const [saving, setSaving] = useState(false);
  const all = useGet<SavedView[]>("views").data ?? [];
  const here = dataset?.name ?? FLOWS;
  const views = all.toSorted((one, other) => Number(datasetOfView(one) !== here) - Number(datasetOfView(other) !== here));
  const begin = presets(dataset, params);
  const remove = useChange((id: number) => call(`views/${id}`, { method: "DELETE" }), "views");
  return (
    <>
      <Menu position="bottom-end" width={280}>
        <Menu.Target><Button variant="default" leftSection={<Icon name="save" size={14} />} px="sm">Views</Button></Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<Icon name="plus" />} onClick={() => setSaving(true)}>Save this view…</Menu.Item>
          {views.length > 0 && <><Menu.Divider /><Menu.Label>Saved</Menu.Label></>}
          {views.map((view) => (
            <Menu.Item
              key={view.id} onClick={() => navigate(String(view.state["url"] ?? "/explore"))}
              rightSection={view.mine && (
                <ActionIcon
                  component="span" size={22} role="button" aria-label={`Delete ${view.name}`}
                  onClick={(event) => { event.stopPropagation(); remove.mutate(view.id); }}
                >
                  <Icon name="trash" size={13} />
                </ActionIcon>
              )}
            >
              {view.name}<span className="faint">{[datasetOfView(view) !== here && datasetOfView(view), !view.mine && view.owner].filter(Boolean).map((text) => ` · ${text}`)}</span>
            </Menu.Item>
          ))}
          {begin.length > 0 && <><Menu.Divider /><Menu.Label>To begin with</Menu.Label></>}
          {begin.map((one) => <Menu.Item key={one.title} leftSection={<Icon name="explore" />} onClick={() => navigate(one.href)}>{one.title}</Menu.Item>)}
        </Menu.Dropdown>
      </Menu>
      {saving && <SaveDialog close={() => setSaving(false)} />}
    </>
  );
}

/** A link that shows the same to someone else later: relative times are pinned to what they mean now. */
function useShare(): () => Promise<void> {
  const { range } = useTime();
  return async () => {
    const url = new URL(window.location.href);
    const span = resolve(range, Math.floor(Date.now() / 1000));
    if (span) {
      const pinned = absolute(span);
      url.searchParams.set("since", pinned.since);
      url.searchParams.set("until", pinned.until);
    }
    await navigator.clipboard.writeText(url.toString());
    notify("good", "Link copied, with its times pinned");
  };
}

interface ExplorerActionsProps {
  query: Query;
  dataset: Dataset | undefined;
  showQuery: (() => void) | undefined;
  refetch: () => void;
  fetching: boolean;
}

export function ExplorerActions({ query, dataset, showQuery, refetch, fetching }: ExplorerActionsProps) {
  const share = useShare();
  const save = (kind: "csv" | "parquet"): void => void download(`query/export?format=${kind}`, query, `weft.${kind}`).catch((error: Error) => notify("bad", error.message));
  return (
    <>
      <Tooltip label="Ask again"><ActionIcon variant="default" size={34} aria-label="Refresh" loading={fetching} onClick={refetch}><Icon name="refresh" /></ActionIcon></Tooltip>
      <Tooltip label="SQL, table, rows read, sampling"><Button variant="default" leftSection={<Icon name="code" size={14} />} px="sm" onClick={showQuery} disabled={!showQuery}>Show query</Button></Tooltip>
      <Menu position="bottom-end">
        <Menu.Target><Button variant="default" leftSection={<Icon name="download" size={14} />} px="sm">Export</Button></Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => save("csv")}>CSV</Menu.Item>
          <Menu.Item onClick={() => save("parquet")}>Parquet</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <ViewsMenu dataset={dataset} />
      <Tooltip label="Copy a link to this view"><ActionIcon variant="default" size={34} aria-label="Copy a link" onClick={() => void share()}><Icon name="link" /></ActionIcon></Tooltip>
    </>
  );
}
