import { lazy, Suspense, useDeferredValue, useMemo } from "react";
import { useLocation } from "wouter";
import { useLive } from "../../api/live";
import { useGet } from "../../api/queries";
import type { Exporters, Sources } from "../../api/types";
import { useParam } from "../../app/params";
import { useTimeSearch } from "../../app/time";
import { exporterPath, sourcesPath } from "../../lib/links";
import { plural } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { LoadingState } from "../../ui/States";
import { TabLinks } from "../../ui/TabLinks";
import { TimeRangePicker } from "../../ui/TimeRangePicker";
import { ExporterList } from "../exporters/ExporterList";
import { IntakePanel } from "./IntakePanel";
import { KindStrip } from "./KindStrip";
import { FLOW, kindOf } from "./kinds";
import { exporterRow, kindSums, sourceRow, type SourceRow } from "./rows";
import { Setup } from "./Setup";
import { SourceDrawer } from "./SourceDrawer";
import { SourceTable } from "./SourceTable";

const QualityTab = lazy(() => import("./QualityTab"));
const REFRESH_MS = 5000;
const MOST = 1000;

function List({ exporters, sources, kind }: { exporters: Exporters; sources: Sources; kind: string }) {
  const kept = useTimeSearch();
  const [, navigate] = useLocation();
  const [search, setSearch] = useParam("search");
  const [state, setState] = useParam("state", false);
  const [, setOpen] = useParam("source", false);
  const rows = useMemo(() => {
    const others = sources.sources.filter((one) => !kind || one.kind === kind).map(sourceRow);
    return kind ? others : [...exporters.exporters.map(exporterRow), ...others];
  }, [exporters, sources, kind]);
  const known = kindOf(kind);
  const total = kind ? (sources.kinds.find((one) => one.kind === kind)?.total ?? 0) : sources.total + exporters.exporters.length;
  const pick = (row: SourceRow): void => (row.kind === FLOW ? navigate(exporterPath(row.target, kept)) : setOpen(row.id));
  if (kind === FLOW) return <ExporterList data={exporters} />;
  if (kind && total === 0) return <Panel title={`${known.title}: no ${known.noun} yet`} hint="one step is left"><Setup key={kind} kind={known} /></Panel>;
  return (
    <>
      <SourceTable
        rows={rows} total={search ? rows.length : total} title={kind ? `${known.title}: ${plural(total, known.noun)}` : plural(total, "source")} now={sources.updated} mixed={!kind}
        search={search} state={state} onSearch={setSearch} onState={setState} onPick={pick}
      />
      <IntakePanel intake={sources.intake} kinds={sources.kinds} />
    </>
  );
}

/** The list; what is too long to be listed whole is searched by the server. */
function useSources(kind: string, search: string) {
  const params = new URLSearchParams({ limit: String(MOST) });
  if (kind && kind !== FLOW) params.set("kind", kind);
  const all = useGet<Sources>(`sources?${params}`, REFRESH_MS);
  if (search && (all.data?.total ?? 0) > MOST) params.set("search", search);
  const found = useGet<Sources>(`sources?${params}`, REFRESH_MS);
  return found.data ? found : all;
}

export default function SourcesPage() {
  const kept = useTimeSearch();
  const [kind] = useParam("kind");
  const [tab] = useParam("tab");
  const [search] = useParam("search");
  const [open, setOpen] = useParam("source", false);
  const first = useGet<Exporters>("exporters");
  const live = useLive<Exporters>("exporters");
  const sources = useSources(kind, useDeferredValue(search));
  const one = sources.data?.sources.find((item) => item.id === open);
  return (
    <>
      <PageHeader title="Sources" subtitle="Everything that tells Weft of your network: how well it arrives, and why numbers may look wrong">
        {tab === "quality" && <TimeRangePicker />}
      </PageHeader>
      <TabLinks label="Sources" current={tab === "quality" ? tab : "sources"} tabs={[{ key: "sources", title: "Sources", href: sourcesPath({}, kept) }, { key: "quality", title: "Data quality", href: sourcesPath({ tab: "quality" }, kept) }]} />
      <Answer of={first} rows={8}>
        {(data) => (
          <Answer of={sources} rows={8}>
            {(others) => (tab === "quality" ? <Suspense fallback={<LoadingState rows={8} />}><QualityTab sources={others} exporters={live ?? data} /></Suspense> : (
              <>
                <KindStrip sums={kindSums((live ?? data).exporters, others.kinds)} current={kind} kept={kept} />
                <List exporters={live ?? data} sources={others} kind={kind} />
              </>
            ))}
          </Answer>
        )}
      </Answer>
      <SourceDrawer one={one} now={sources.data?.updated ?? 0} kept={kept} close={() => setOpen("")} />
    </>
  );
}
