import { Button, Drawer, NativeSelect, Progress } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../../api/client";
import { useChange } from "../../api/queries";
import type { Backtest, BacktestReport, Detector } from "../../api/types";
import { duration, plural, significant } from "../../lib/units";
import { DataTable, type Column } from "../../ui/DataTable";
import { FactList } from "../../ui/FactList";
import { StatusPill } from "../../ui/Status";
import css from "./events.module.css";
import { SeverityPill } from "./parts";
import { detectorState, GROUPS } from "./words";

const SPANS = [{ value: "now-6h", label: "6 hours" }, { value: "now-1d", label: "a day" }, { value: "now-7d", label: "a week" }, { value: "now-28d", label: "four weeks" }];
const ASK_MS = 700;

type Kind = BacktestReport["kinds"][number];
const COLUMNS: Column<Kind>[] = [
  { key: "kind", title: "Kind", sort: (one) => one.kind, render: (one) => one.kind.replaceAll("_", " ") },
  { key: "events", title: "Events", numeric: true, sort: (one) => one.events, render: (one) => one.events },
  { key: "rate", title: "A day", numeric: true, sort: (one) => one.per_day, render: (one) => significant(one.per_day, 2) },
  { key: "places", title: "Places", numeric: true, sort: (one) => one.entities, render: (one) => one.entities },
];

function Report({ report }: { report: BacktestReport }) {
  const failed = Object.values(report.failed)[0];
  if (failed) return <p className={css.error}>It was given up: {failed}</p>;
  return (
    <>
      <p><b>{report.events === 0 ? `It would not have raised one event in ${significant(report.days, 2)} days.` : `${plural(report.events, "event")} in ${significant(report.days, 2)} days, ${significant(report.events_per_day, 2)} a day.`}</b></p>
      {report.kinds.length > 0 && <DataTable columns={COLUMNS} rows={report.kinds} rowKey={(one) => one.kind} caption="Events by kind" />}
      <ul className={css.evidence}>
        {report.kinds.flatMap((kind) => kind.examples).map((one) => (
          <li key={one.entity + one.detected}><h3><SeverityPill severity={one.severity} />{one.title}</h3><p>{one.text}</p><p className="faint">{one.detected.replace("T", " ").replace("Z", " UTC")}</p></li>
        ))}
      </ul>
    </>
  );
}

/** Replays what is stored through a detector that knows nothing yet, and tells what it would have raised. */
function Trial({ one }: { one: Detector }) {
  const client = useQueryClient();
  const [since, setSince] = useState("now-1d");
  const [id, setId] = useState("");
  const begin = useChange((body: { detectors: string[]; since: string; learn: string }) => call<Backtest>("backtests", { body }), "backtests");
  const running = useQuery<Backtest>({
    queryKey: ["get", `backtests/${id}`], enabled: id !== "", queryFn: ({ signal }) => call<Backtest>(`backtests/${id}`, { signal }),
    refetchInterval: (query) => (query.state.data?.state === "running" || !query.state.data ? ASK_MS : false),
  });
  const cancel = (): void => void call(`backtests/${id}`, { method: "DELETE" }).then(() => client.invalidateQueries({ queryKey: ["get", `backtests/${id}`] }));
  const start = (): void => begin.mutate({ detectors: [one.name], since, learn: "1d" }, { onSuccess: (made) => setId(made.id) });
  const { data } = running;
  const busy = begin.isPending || data?.state === "running";
  const error = begin.error?.message ?? running.error?.message ?? data?.error;
  return (
    <section className={css.form} aria-label="Back-test">
      <div className={css.formEnd}>
        <NativeSelect size="xs" aria-label="Over the last" value={since} onChange={(event) => setSince(event.target.value)} data={SPANS} />
        {busy ? <Button size="xs" variant="default" onClick={cancel}>Cancel</Button> : <Button size="xs" onClick={start}>Try it on history</Button>}
      </div>
      {busy && <Progress value={100 * (data?.progress ?? 0)} aria-label="How far the back-test is" animated />}
      {error && <p className={css.error} role="alert">{error}</p>}
      {data?.state === "cancelled" && <p className="muted">Cancelled.</p>}
      {data?.report && <Report report={data.report} />}
    </section>
  );
}

/** What a detector is, how it does, and what it would have raised. */
export default function DetectorDrawer({ one, close }: { one: Detector; close: () => void }) {
  const [word, status] = detectorState(one.state);
  return (
    <Drawer opened onClose={close} title={one.title} size={640}>
      <div className={css.form}>
        <p><StatusPill status={status}>{word}</StatusPill></p>
        <p>{one.description}</p>
        {one.last_error && <p className={css.error}>{one.last_error}</p>}
        {one.limits && <p className={css.warning}>Since the start: {one.limits}.</p>}
        <FactList facts={[["Looks at", one.watches], ["Family", GROUPS[one.group]], ["Name", <code key="name">{one.name}</code>], ["Knows", one.learned === null ? "" : `${significant(one.learned * 100, 2)}% of the history that it wants`], ["Worked", one.busy_s ? duration(one.busy_s) : ""], ["Errors", one.errors ? String(one.errors) : ""]]} />
        <section><h3>Raises</h3><FactList facts={Object.entries(one.kinds).map(([kind, meaning]): [string, string] => [kind.replaceAll("_", " "), meaning])} /></section>
        <section><h3>What it would have raised</h3><Trial one={one} /></section>
      </div>
    </Drawer>
  );
}
