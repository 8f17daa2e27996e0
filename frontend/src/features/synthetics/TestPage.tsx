import { Button } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import { call } from "../../api/client";
import type { TestPage as Page } from "../../api/types";
import { useTimeSearch } from "../../app/time";
import { statusOf, wordOf } from "../../lib/verdict";
import { Answer } from "../../ui/Answer";
import { Icon } from "../../ui/Icon";
import { PageHeader } from "../../ui/PageHeader";
import { StatusPill } from "../../ui/Status";
import { TabLinks, type Tab } from "../../ui/TabLinks";
import { TimeRangePicker } from "../../ui/TimeRangePicker";
import { notify } from "../../ui/toast";
import { usePage } from "../devices/usePage";
import { ConfirmDelete } from "../settings/Confirm";
import { Definition } from "./Definition";
import { MeshMatrix } from "./MeshMatrix";
import { PathPanel } from "./PathPanel";
import { aimed, useMayDefine } from "./SyntheticsPage";
import { TestOverview } from "./TestOverview";
import { everyWords, kindName, syntheticsPath, testPath } from "./words";

const TestForm = lazy(() => import("./TestForm"));

function tabsOf(page: Page, kept: string): Tab[] {
  const { row } = page;
  const at = (tab: string): string => testPath(row.name, kept, tab ? { tab } : {});
  return [
    { key: "", title: "Overview", href: at("") },
    ...(row.mesh ? [{ key: "mesh", title: "Matrix", href: at("mesh"), count: row.agents.length }] : []),
    ...(row.kind === "trace" ? [{ key: "path", title: "Paths", href: at("path"), count: page.series.filter((one) => one.hops > 0).length }] : []),
    { key: "definition", title: "Definition", href: at("definition") },
  ];
}

function Content({ page, tab }: { page: Page; tab: string }) {
  if (tab === "mesh") return <MeshMatrix name={page.row.name} />;
  if (tab === "path") return <PathPanel page={page} />;
  if (tab === "definition") return <Definition page={page} />;
  return <TestOverview page={page} />;
}

function Manage({ page, name }: { page: Page; name: string }) {
  const kept = useTimeSearch();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [form, setForm] = useState(false);
  const remove = async (): Promise<void> => {
    try {
      await call(`synthetics/test?${new URLSearchParams({ name })}`, { method: "DELETE" });
      navigate(syntheticsPath("", kept));
      notify("good", `“${name}” is removed`);
      await client.invalidateQueries({ queryKey: ["get"], predicate: (query) => String(query.queryKey[1]).startsWith("synthetics/tests") });
    } catch (error) {
      notify("bad", error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <>
      <Button variant="default" leftSection={<Icon name="settings" size={14} />} onClick={() => setForm(true)}>Change</Button>
      <ConfirmDelete label="Remove the test" question={`Remove “${name}”?`} consequence="Agents stop running it. What it measured stays and can be explored." act={() => void remove()} />
      {form && (
        <Suspense fallback={null}>
          <TestForm test={page.test} close={() => setForm(false)} saved={(after) => { setForm(false); notify("good", "Agents are told when they ask next"); if (after !== name) navigate(testPath(after, kept)); }} />
        </Suspense>
      )}
    </>
  );
}

export default function TestPage({ name }: { name: string }) {
  const kept = useTimeSearch();
  const [params] = useSearchParams();
  const may = useMayDefine();
  const answer = usePage<Page>("synthetics/test", true, { name });
  const page = answer.data;
  const tabs = page ? tabsOf(page, kept) : [];
  const tab = tabs.some((one) => one.key === params.get("tab")) ? params.get("tab") ?? "" : "";
  return (
    <>
      <PageHeader
        title={name} before={<Link href={syntheticsPath("", kept)} aria-label="All tests"><Icon name="left" /></Link>}
        subtitle={page && `${kindName(page.row.kind)}, ${aimed(page.row)}, every ${everyWords(page.row.every_s)}`}
      >
        {page && <StatusPill status={statusOf(page.row.status)}>{page.row.enabled ? wordOf(page.row.status) : "Switched off"}</StatusPill>}
        {page && may && page.row.origin === "people" && <Manage page={page} name={name} />}
        <TimeRangePicker />
      </PageHeader>
      <Answer of={answer} rows={10}>{(data) => <><TabLinks label="Parts of the test" tabs={tabsOf(data, kept)} current={tab} /><Content page={data} tab={tab} /></>}</Answer>
    </>
  );
}
