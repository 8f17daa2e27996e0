import { ActionIcon, Button, TextInput, Tooltip } from "@mantine/core";
import { useEffect, useMemo, useState, type ReactNode } from "react";
import { useSearchParams } from "wouter";
import type { Query, ViewResult } from "../../api/types";
import { useTime } from "../../app/time";
import { usePrefs } from "../../lib/prefs";
import { duration, grouped, plural } from "../../lib/units";
import { Icon } from "../../ui/Icon";
import layout from "../../ui/layout.module.css";
import { Panel } from "../../ui/Panel";
import { EmptyState, ErrorState, LoadingState } from "../../ui/States";
import { NothingYet } from "../explorer/NothingYet";
import { Facets } from "./Facets";
import css from "./feed.module.css";
import { FeedHistogram } from "./FeedHistogram";
import { FeedList } from "./FeedList";
import { searchOf, withSearch } from "./search";
import { useFeed, type Feed } from "./useFeed";
import { FEEDS, type FeedWords } from "./words";

interface FeedExplorerProps {
  dataset: "logs" | "changes";
  filter: string;
  setFilter: (filter: string) => void;
  narrow: (addition: string) => void;
  /** The first answer, for "show query" and the footnote of the page. */
  onResult: (result: ViewResult | undefined, refetch: () => void) => void;
  /** Switches to a chart of the same. */
  charts: ReactNode;
}

function SearchBox({ words, filter, setFilter }: { words: FeedWords; filter: string; setFilter: (filter: string) => void }) {
  const applied = searchOf(filter, words.searched);
  const [text, setText] = useState(applied);
  const [known, setKnown] = useState(applied);
  if (known !== applied) {
    setKnown(applied);
    setText(applied);
  }
  const apply = (next: string): void => setFilter(withSearch(filter, words.searched, next));
  return (
    <form className={css.searchBox} role="search" aria-label={words.searchLabel} onSubmit={(event) => { event.preventDefault(); apply(text); }}>
      <TextInput
        aria-label={words.searchLabel} placeholder={`${words.searchLabel}: all words must occur`} leftSection={<Icon name="search" size={14} />} value={text} onChange={(event) => setText(event.target.value)}
        rightSection={text ? <ActionIcon size={22} aria-label="Clear the search" onClick={() => { setText(""); apply(""); }}><Icon name="close" size={12} /></ActionIcon> : null}
      />
    </form>
  );
}

function Foot({ feed, tail, words }: { feed: Feed; tail: boolean; words: FeedWords }) {
  if (tail) return <div className={css.foot}>The newest {grouped(feed.entries.length)} of the last 15 minutes are followed.</div>;
  if (feed.more) return <div className={css.foot}><Button size="compact-sm" variant="default" onClick={feed.fetchMore} loading={feed.fetching}>Older {words.noun}s</Button></div>;
  return <div className={css.foot}>{plural(feed.entries.length, words.noun)}, no older ones in this range</div>;
}

function useLinkedTime(): number | null {
  const [params] = useSearchParams();
  const at = Number(params.get("at") ?? Number.NaN);
  return Number.isFinite(at) ? at : null;
}

/** Words to mark: what the server says it searched for, else those of the search box. */
const markedWords = (result: ViewResult | undefined, search: string): string[] =>
  result && result.highlight.length > 0 ? result.highlight : search.split(/\s+/).filter(Boolean);

export function FeedExplorer({ dataset, filter, setFilter, narrow, onResult, charts }: FeedExplorerProps) {
  const words = FEEDS[dataset] as FeedWords;
  const { range, interval } = useTime();
  const { zone } = usePrefs();
  const [tail, setTail] = useState(false);
  const [down, setDown] = useState(false);
  const [wrap, setWrap] = useState(false);
  const at = useLinkedTime();
  const query = useMemo<Query>(() => ({ dataset, view: "records", by: [...words.columns], filter, since: range.since, until: range.until }), [dataset, words, filter, range]);
  const shownQuery = useMemo<Query>(() => (tail ? { ...query, since: "now-15m", until: "now" } : query), [query, tail]);
  const feed = useFeed(query, { tail, paused: down, refresh: interval });
  const { result, refetch } = feed;
  // oxlint-disable-next-line react/exhaustive-deps -- refetch is made anew by every render
  useEffect(() => onResult(result, refetch), [result]);
  const refresh = tail ? 10_000 : interval;
  const searched = useMemo(() => markedWords(result, searchOf(filter, words.searched)), [result, filter, words]);
  const days = (feed.entries[0]?.time ?? 0) - (feed.entries.at(-1)?.time ?? 0) > 43_200_000;

  const list = (): ReactNode => {
    if (feed.entries.length > 0) {
      return (
        <FeedList
          key={tail ? "tail" : "pages"} kind={dataset} entries={feed.entries} label={`${words.noun}s, newest first`} wrap={wrap} at={at} words={searched} zone={zone} days={days} narrow={narrow}
          onEnd={() => { if (feed.more) feed.fetchMore(); }} onScrolled={setDown} foot={<Foot feed={feed} tail={tail} words={words} />}
        />
      );
    }
    if (feed.error) return <ErrorState error={feed.error} retry={feed.refetch} />;
    if (!result) return <LoadingState rows={12} />;
    if (!filter) return <NothingYet dataset={dataset} />;
    return <EmptyState title={`No ${words.noun} matches`}>Nothing matched in this range. Try a wider range, fewer words or a looser filter.</EmptyState>;
  };
  return (
    <>
      <div className={layout.tools}>
        {charts}
        <SearchBox words={words} filter={filter} setFilter={setFilter} />
        <Tooltip label={tail ? "Stop following" : "Follow what comes in, every two seconds"}>
          <Button variant="default" aria-pressed={tail} onClick={() => setTail(!tail)} px="sm">
            {tail ? <span className={layout.beside}>{!down && <i className="pulse" />}{down ? "Paused while you read" : "Live"}</span> : "Live tail"}
          </Button>
        </Tooltip>
        {dataset === "logs" && <Button variant="default" px="sm" aria-pressed={wrap} onClick={() => setWrap(!wrap)}>{wrap ? "One line each" : "Wrap lines"}</Button>}
      </div>
      <div className={css.page}>
        <aside aria-label="Most frequent values"><Facets query={shownQuery} by={words.facets} refresh={refresh} narrow={narrow} /></aside>
        <Panel title={dataset === "logs" ? "Messages" : "Changes"} hint={result && `${grouped(result.provenance.rows_read)} rows read in ${duration(result.provenance.elapsed_ms / 1000)}`} flush>
          <FeedHistogram query={shownQuery} words={words} refresh={refresh} />
          {list()}
        </Panel>
      </div>
    </>
  );
}

export default FeedExplorer;
