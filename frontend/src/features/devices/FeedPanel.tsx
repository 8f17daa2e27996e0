import { useMemo } from "react";
import { useLocation } from "wouter";
import type { Query } from "../../api/types";
import { useTime, useTimeSearch } from "../../app/time";
import { explorePath } from "../../lib/links";
import { usePrefs } from "../../lib/prefs";
import { Panel } from "../../ui/Panel";
import { ExploreLink } from "../../ui/Ranking";
import { EmptyState, ErrorState, LoadingState } from "../../ui/States";
import { FeedHistogram } from "../feed/FeedHistogram";
import { FeedList } from "../feed/FeedList";
import { useFeed } from "../feed/useFeed";
import { FEEDS, type FeedWords } from "../feed/words";
import { narrowed } from "../filter/clause";
import css from "./devices.module.css";

interface FeedPanelProps {
  dataset: "logs" | "changes";
  title: string;
  filter: string;
  empty: string;
}

const NO_WORDS: readonly string[] = [];

/** Log messages or changes of one thing, newest first; more of them, and filters, in the explorer. */
export function FeedPanel({ dataset, title, filter, empty }: FeedPanelProps) {
  const words = FEEDS[dataset] as FeedWords;
  const { range, interval } = useTime();
  const { zone } = usePrefs();
  const kept = useTimeSearch();
  const [, navigate] = useLocation();
  const query = useMemo<Query>(() => ({ dataset, view: "records", by: [...words.columns], filter, since: range.since, until: range.until }), [dataset, words, filter, range]);
  const feed = useFeed(query, { tail: false, paused: false, refresh: interval || 60_000 });
  const days = (feed.entries[0]?.time ?? 0) - (feed.entries.at(-1)?.time ?? 0) > 43_200_000;
  return (
    <Panel title={title} actions={<ExploreLink href={explorePath({ dataset, filter }, kept)} of={title} />} flush>
      {feed.entries.length > 0 ? (
        <>
          <FeedHistogram query={query} words={words} refresh={interval || 60_000} />
          <div className={css.feed} style={{ height: Math.min(460, 60 + feed.entries.length * 31) }}>
            <FeedList
              kind={dataset} entries={feed.entries} label={`${title}, newest first`} wrap={false} at={null} words={NO_WORDS} zone={zone} days={days}
              narrow={(addition) => navigate(explorePath({ dataset, filter: narrowed(filter, addition) }, kept))}
              onEnd={() => { if (feed.more) feed.fetchMore(); }} onScrolled={() => undefined} foot={<span className={css.feedFoot}>{feed.more ? "Older ones follow" : "No older ones in this range"}</span>}
            />
          </div>
        </>
      ) : feed.error ? <ErrorState error={feed.error} retry={feed.refetch} /> : feed.result ? <EmptyState title={empty} icon="records">Nothing of the kind in this time range.</EmptyState> : <LoadingState rows={5} />}
    </Panel>
  );
}
