import { Button, NativeSelect, SegmentedControl, TextInput } from "@mantine/core";
import { lazy, Suspense, useMemo, useState } from "react";
import { useLocation } from "wouter";
import type { SyntheticTests, TestRow } from "../../api/types";
import { useSession } from "../../app/session";
import { useParams } from "../../app/params";
import { useTimeSearch } from "../../app/time";
import { ago } from "../../lib/time";
import { format, plural } from "../../lib/units";
import { rankOf } from "../../lib/verdict";
import { Answer } from "../../ui/Answer";
import { CodeBlock } from "../../ui/CodeBlock";
import { DataTable, type Column } from "../../ui/DataTable";
import { Icon } from "../../ui/Icon";
import layout from "../../ui/layout.module.css";
import { NameCell } from "../../ui/NameCell";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { Sparkline } from "../../ui/Sparkline";
import { EmptyState } from "../../ui/States";
import { TabLinks } from "../../ui/TabLinks";
import { TimeRangePicker } from "../../ui/TimeRangePicker";
import { notify } from "../../ui/toast";
import { usePage } from "../devices/usePage";
import { AgentsPanel } from "./AgentsPanel";
import css from "./synthetics.module.css";
import { everyWords, kindName, KINDS, syntheticsPath, testPath, trouble } from "./words";

const TestForm = lazy(() => import("./TestForm"));
const none = <span className="faint">–</span>;

/** Who may define tests. */
export const useMayDefine = (): boolean => ["operator", "admin"].includes(useSession().user?.role ?? "");

/** What a test is aimed at, in few words. */
export const aimed = (row: TestRow): string =>
  row.mesh ? `mesh of ${plural(row.agents.length, "agent")}` : `${row.targets[0] ?? ""}${row.target_count > 1 ? ` and ${row.target_count - 1} more` : ""}`;

function columnsAt(now: number, kept: string): Column<TestRow>[] {
  return [
    {
      key: "name", title: "Test", sort: (row) => `${row.enabled ? 3 - rankOf(row.status) : 9} ${row.name}`,
      render: (row) => (
        <NameCell status={row.status} name={row.name} href={testPath(row.name, kept)} address={undefined} title={trouble(row.states)} finding={row.enabled ? trouble(row.states) : "switched off"} />
      ),
    },
    { key: "kind", title: "Kind", sort: (row) => row.kind, render: (row) => <>{kindName(row.kind)} <span className="faint">every {everyWords(row.every_s)}</span></> },
    { key: "target", title: "Aimed at", sort: aimed, render: (row) => <span className={css.aim} title={row.targets.join("\n")}>{aimed(row)}</span> },
    { key: "rtt", title: "Latency", numeric: true, hint: "Mean round trip; HTTP and DNS: the whole transaction", sort: (row) => row.rtt_ms, render: (row) => (row.rtt_ms === null ? none : format(row.rtt_ms, "ms")) },
    { key: "loss", title: "Loss", numeric: true, sort: (row) => row.loss, render: (row) => (row.loss === null ? none : format(row.loss * 100, "%")) },
    { key: "available", title: "Available", numeric: true, hint: "Runs that worked, of those that could be carried out", sort: (row) => row.availability, render: (row) => (row.availability === null ? none : format(row.availability * 100, "%")) },
    { key: "last", title: "Ran", numeric: true, sort: (row) => row.last, render: (row) => (row.last === null ? none : ago(row.last, now)) },
    { key: "course", title: "Course", hint: "Mean latency over the time range", render: (row) => (row.course ? <Sparkline values={row.course.rtt_ms} width={110} /> : none) },
    { key: "agents", title: "Agents", numeric: true, sort: (row) => row.agents.length, render: (row) => <span title={row.agents.join(", ")}>{row.agents.length}</span> },
  ];
}

function Tests({ data }: { data: SyntheticTests }) {
  const kept = useTimeSearch();
  const [, navigate] = useLocation();
  const [params, put] = useParams();
  const [search, kind, attention] = [params.get("q") ?? "", params.get("kind") ?? "", params.get("state") === "attention"];
  const columns = useMemo(() => columnsAt(data.updated, kept), [data.updated, kept]);
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = data.tests.filter((row) =>
    (!kind || row.kind === kind) && (!attention || row.status === "warning" || row.status === "critical") &&
    words.every((word) => [row.name, row.kind, ...row.targets, ...row.agents].join(" ").toLowerCase().includes(word)));
  const troubled = data.tests.filter((row) => row.status === "warning" || row.status === "critical").length;
  return (
    <Panel
      title={rows.length === data.tests.length ? plural(rows.length, "test") : `${rows.length} of ${plural(data.tests.length, "test")}`} hint={troubled ? `${troubled} not well` : "all well"} flush
      actions={(
        <div className={layout.toolbar}>
          <TextInput size="xs" w={200} placeholder="Find by name, target, agent…" aria-label="Find a test" data-filter leftSection={<Icon name="search" size={14} />} value={search} onChange={(event) => put({ q: event.target.value })} />
          <NativeSelect size="xs" aria-label="Kind" value={kind} onChange={(event) => put({ kind: event.target.value })} data={[{ value: "", label: "All kinds" }, ...KINDS.map((one) => ({ value: one.value, label: one.label }))]} />
          <SegmentedControl size="xs" aria-label="State" value={attention ? "attention" : ""} onChange={(value) => put({ state: value })} data={[{ value: "", label: "All" }, { value: "attention", label: "Not well" }]} />
        </div>
      )}
    >
      <DataTable
        columns={columns} rows={rows} rowKey={(row) => row.name} caption="Synthetic tests" initialSort={{ key: "name", ascending: true }} maxHeight={820}
        onPick={(row) => navigate(testPath(row.name, kept))} empty={<EmptyState title="No test matches">Clear the search or the filters.</EmptyState>}
      />
    </Panel>
  );
}

const RECIPE = `# on the machine to test from
WEFT_AGENT__TOKEN=… weft agent --server ${window.location.origin} --name ams`;

const Nothing = ({ agents }: { agents: number }) => (
  <Panel>
    <EmptyState title={agents === 0 ? "No agent, no test yet" : "No test yet"} icon="synthetics">
      {agents === 0
        ? "An agent measures from where it runs: latency, loss, paths, HTTP, DNS. Start one with an API token of the role sender (Settings, API tokens), then define a test."
        : "Define what the agents measure: a target to ping, a URL to fetch, or a mesh in which they test each other."}
    </EmptyState>
    {agents === 0 && <CodeBlock text={RECIPE} label="Starting an agent" />}
  </Panel>
);

export default function SyntheticsPage({ part }: { part: string }) {
  const kept = useTimeSearch();
  const [, navigate] = useLocation();
  const may = useMayDefine();
  const [form, setForm] = useState(false);
  const answer = usePage<SyntheticTests>("synthetics/tests");
  const shown = part === "agents" ? "agents" : "";
  const tabs = [
    { key: "", title: "Tests", href: syntheticsPath("", kept), count: answer.data?.tests.length },
    { key: "agents", title: "Agents", href: syntheticsPath("agents", kept), count: answer.data?.agents.length },
  ];
  return (
    <>
      <PageHeader title="Synthetics" subtitle="What agents measure: latency, loss, paths, HTTP, DNS, throughput">
        {may && <Button leftSection={<Icon name="plus" size={14} />} onClick={() => setForm(true)}>New test</Button>}
        <TimeRangePicker />
      </PageHeader>
      <TabLinks label="Parts of synthetics" tabs={tabs} current={shown} />
      <Answer of={answer} rows={10}>
        {(data) => (shown === "agents" ? <AgentsPanel agents={data.agents} now={data.updated} may={may} /> : data.tests.length === 0 ? <Nothing agents={data.agents.length} /> : <Tests data={data} />)}
      </Answer>
      {form && (
        <Suspense fallback={null}>
          <TestForm close={() => setForm(false)} saved={(name) => { setForm(false); notify("good", `“${name}” is defined`); navigate(testPath(name, kept)); }} />
        </Suspense>
      )}
    </>
  );
}
