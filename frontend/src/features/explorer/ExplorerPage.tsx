import { lazy, Suspense, useCallback, useState } from "react";
import { datasetOf } from "../../api/dataset";
import { useCatalogue } from "../../api/queries";
import type { ViewResult } from "../../api/types";
import { LoadingState } from "../../ui/States";
import { ChartSwitch } from "./Controls";
import { Frame } from "./Frame";
import { isFeed } from "./state";
import { useExplorer, type Explorer } from "./useExplorer";

const ChartExplorer = lazy(() => import("./ChartExplorer"));
const FeedExplorer = lazy(() => import("../feed/FeedExplorer"));
const nothing = (): void => undefined;

/** Logs and changes are read as they came, with the same tabs, filter and actions around. */
function FeedPage({ explorer }: { explorer: Explorer }) {
  const { state, update, narrow } = explorer;
  const [answer, setAnswer] = useState<{ result: ViewResult | undefined; refetch: () => void }>({ result: undefined, refetch: nothing });
  const dataset = datasetOf(useCatalogue().data, state.dataset);
  const onResult = useCallback((result: ViewResult | undefined, refetch: () => void) => setAnswer({ result, refetch }), []);
  return (
    <Frame explorer={explorer} result={answer.result} fetching={false} refetch={answer.refetch} steady={false}>
      <Suspense fallback={<LoadingState rows={12} />}>
        <FeedExplorer key={state.dataset} dataset={state.dataset === "logs" ? "logs" : "changes"} filter={state.filter} setFilter={(filter) => update({ filter })} narrow={narrow} onResult={onResult} charts={<ChartSwitch state={state} update={update} dataset={dataset} />} />
      </Suspense>
    </Frame>
  );
}

export default function ExplorerPage() {
  const explorer = useExplorer();
  if (isFeed(explorer.state)) return <FeedPage explorer={explorer} />;
  return <Suspense fallback={<LoadingState rows={12} />}><ChartExplorer key={explorer.state.dataset} explorer={explorer} /></Suspense>;
}
