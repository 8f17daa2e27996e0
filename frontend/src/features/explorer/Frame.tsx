import { useState, type ReactNode } from "react";
import { useSearchParams } from "wouter";
import { useCatalogue } from "../../api/queries";
import type { ViewResult } from "../../api/types";
import { datasetOf } from "../../api/dataset";
import { useNow } from "../../app/time";
import { PageHeader } from "../../ui/PageHeader";
import { StaleBadge } from "../../ui/Status";
import { TabLinks } from "../../ui/TabLinks";
import { TimeRangePicker } from "../../ui/TimeRangePicker";
import { FilterBar, PLACEHOLDER } from "../filter/FilterBar";
import { ExplorerActions } from "./Actions";
import { datasetHref, exampleFilter } from "./datasets";
import { QueryDrawer } from "./QueryDrawer";
import { FLOWS } from "./state";
import type { Explorer } from "./useExplorer";

const STALE_S = 300;

function Staleness({ result }: { result: ViewResult }) {
  const now = useNow(15);
  const newest = result.provenance.newest;
  const live = now - result.window.until < STALE_S;
  return live && newest !== null && now - newest > STALE_S ? <StaleBadge newest={newest} now={now} /> : null;
}

interface FrameProps {
  explorer: Explorer;
  result: ViewResult | undefined;
  fetching: boolean;
  refetch: () => void;
  /** Whether old data is a finding: a quiet log is not. */
  steady: boolean;
  children: ReactNode;
}

/** What every dataset has in common: the tabs between them, time, actions, the filter. */
export function Frame({ explorer, result, fetching, refetch, steady, children }: FrameProps) {
  const { state, query, update } = explorer;
  const [params] = useSearchParams();
  const catalogue = useCatalogue().data;
  const [inspected, setInspected] = useState<ViewResult>();
  const tabs = (catalogue?.datasets ?? []).map((one) => ({ key: one.name, title: one.title || one.name, href: datasetHref(one, state, params) }));
  return (
    <>
      <PageHeader title="Explore">
        {steady && result && <Staleness result={result} />}
        <TimeRangePicker />
        <ExplorerActions query={query} dataset={datasetOf(catalogue, state.dataset)} fetching={fetching} refetch={refetch} showQuery={result ? () => setInspected(result) : undefined} />
      </PageHeader>
      {tabs.length > 1 && <TabLinks label="Datasets" tabs={tabs} current={state.dataset} />}
      <FilterBar key={state.dataset} dataset={state.dataset} placeholder={state.dataset === FLOWS ? PLACEHOLDER : exampleFilter(datasetOf(catalogue, state.dataset))} value={state.filter} onApply={(filter) => update({ filter })} />
      {children}
      <QueryDrawer result={inspected} close={() => setInspected(undefined)} />
    </>
  );
}
