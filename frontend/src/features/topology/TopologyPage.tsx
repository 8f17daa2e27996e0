import { Button, SegmentedControl, TextInput } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useCallback, useDeferredValue, useEffect, useMemo, useState, type KeyboardEvent } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import { call } from "../../api/client";
import type { NetworkChange, Timeline, Topology, TopologyEdge, TopologyNode } from "../../api/types";
import { useTime, useTimeSearch } from "../../app/time";
import { devicePath, withParams } from "../../lib/links";
import { usePrefs } from "../../lib/prefs";
import { dateTime } from "../../lib/time";
import { duration, plural } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { Icon } from "../../ui/Icon";
import layout from "../../ui/layout.module.css";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { TimeRangePicker } from "../../ui/TimeRangePicker";
import { edgesWith, loadsAfter, viewAfter } from "../whatif/after";
import { parseChanges, toggleFailed, writeChanges } from "../whatif/changes";
import { usePath, useWhatIf } from "../whatif/useNetwork";
import { Drawing } from "./Drawing";
import { HowToLink } from "./HowToLink";
import { Legend } from "./Legend";
import { LinkPanel } from "./LinkPanel";
import { LinkTable } from "./LinkTable";
import { atBucket, bucketOf, endOf, matching, measured, most, type Loads } from "./load";
import { isDeviceLevel, parse, scope, write, type TopologyState } from "./state";
import { TimeSlider } from "./TimeSlider";
import css from "./topology.module.css";

function useTopologyState(): [state: TopologyState, update: (patch: Partial<TopologyState>) => void] {
  const [params, setParams] = useSearchParams();
  const state = useMemo(() => parse(params), [params]);
  const update = useCallback((patch: Partial<TopologyState>) => setParams((old) => write({ ...parse(old), ...patch }, old)), [setParams]);
  return [state, update];
}

const WhatIfPanel = lazy(async () => ({ default: (await import("../whatif/WhatIfPanel")).WhatIfPanel }));
const Outcome = lazy(async () => ({ default: (await import("../whatif/Outcome")).Outcome }));
const PathPanel = lazy(async () => ({ default: (await import("../whatif/PathPanel")).PathPanel }));

/** The changes of a what-if, in the page's address as well. */
function useChanges(): [changes: NetworkChange[], setChanges: (changes: NetworkChange[]) => void] {
  const [params, setParams] = useSearchParams();
  const changes = useMemo(() => parseChanges(params), [params]);
  return [changes, useCallback((next: NetworkChange[]) => setParams((old) => writeChanges(next, old)), [setParams])];
}

const LIVE_MS = 5_000;

/** The picture at the moment of the slider, else at the end of the range; the older one stays while the newer loads. */
function usePicture(state: TopologyState, at: number | null) {
  const { range, interval } = useTime();
  const path = `topology?${[`at=${at ?? encodeURIComponent(range.until)}`, scope(state)].filter(Boolean).join("&")}`;
  return useQuery({
    queryKey: ["topology", path], queryFn: ({ signal }) => call<Topology>(path, { signal }), placeholderData: keepPreviousData,
    refetchInterval: at === null && range.until === "now" ? interval || LIVE_MS : false,
  });
}

function useTimeline(state: TopologyState) {
  const { range } = useTime();
  const path = `topology/timeline?${new URLSearchParams({ since: range.since, until: range.until })}&${scope(state)}`;
  return useQuery({
    queryKey: ["topology", path], queryFn: ({ signal }) => call<Timeline>(path, { signal }), placeholderData: keepPreviousData,
    refetchInterval: range.until === "now" ? 60_000 : false,
  });
}

function Crumbs({ view, site }: { view: Topology | undefined; site: string }) {
  const kept = useTimeSearch();
  if (!site) return null;
  return (
    <span className={css.crumbs} role="navigation" aria-label="Breadcrumb">
      <Link href={`/topology${kept}`}>All sites</Link><Icon name="right" size={12} /><span aria-current="page">{view?.site_title || site}</span>
    </span>
  );
}

function Controls({ view, state, update, find }: { view: Topology; state: TopologyState; update: (patch: Partial<TopologyState>) => void; find: () => void }) {
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Enter") find();
  };
  return (
    <div className={layout.toolbar}>
      <TextInput
        size="xs" w={220} placeholder="Find a site or device" aria-label="Find a site or device" data-filter leftSection={<Icon name="search" size={14} />}
        value={state.search} onChange={(event) => update({ search: event.target.value })} onKeyDown={onKeyDown}
      />
      {!state.site && (
        <SegmentedControl
          size="xs" aria-label="What to show" value={state.devices ? "device" : "site"} onChange={(value) => update({ devices: value === "device", link: "" })}
          data={[{ value: "site", label: "Sites" }, { value: "device", label: "Devices" }]}
        />
      )}
      {view.geographic && (
        <SegmentedControl
          size="xs" aria-label="Layout" value={state.scheme ? "scheme" : "map"} onChange={(value) => update({ scheme: value === "scheme" })}
          data={[{ value: "map", label: "Map" }, { value: "scheme", label: "Schematic" }]}
        />
      )}
      <SegmentedControl
        size="xs" aria-label="Picture or table" value={state.table ? "table" : "picture"} onChange={(value) => update({ table: value === "table" })}
        data={[{ value: "picture", label: "Picture" }, { value: "table", label: "Table" }]}
      />
      {ASKS.map(({ ask, label }) => (
        <Button key={ask} size="xs" variant={state.ask === ask ? "light" : "default"} aria-pressed={state.ask === ask} onClick={() => update({ ask: state.ask === ask ? "" : ask, link: "", table: false })}>{label}</Button>
      ))}
    </div>
  );
}

const ASKS = [{ ask: "path", label: "Path" }, { ask: "what-if", label: "What if…" }] as const;
const NONE: ReadonlySet<string> = new Set();

/** The picture as it is, or as the model says that it would be; edges of the path that is asked for stand out. */
function useModelled(view: Topology, state: TopologyState, at: string, now: Loads) {
  const [changes, setChanges] = useChanges();
  const asks = state.ask === "what-if";
  const outcome = useWhatIf(at, asks ? changes : [], state.full / 100);
  const wanted = state.ask === "path";
  const path = usePath(at, wanted ? state.from : "", wanted ? state.to : "", changes);
  const after = asks && changes.length > 0 ? outcome.data : undefined;
  const way = wanted && state.from && state.to ? path.data : undefined;
  const shown = useMemo(() => (after ? viewAfter(view, after) : view), [view, after]);
  const loads = useMemo(() => (after ? loadsAfter(after) : now), [after, now]);
  const selected = useMemo(() => {
    if (way) return edgesWith(view, new Set([...way.forward.arcs, ...(way.backward?.arcs ?? [])].map((arc) => arc.link)));
    return state.link ? new Set([state.link]) : NONE;
  }, [view, way, state.link]);
  return { changes, setChanges, outcome, path, after, shown, loads, selected };
}

const heightOf = (view: Topology, map: boolean): number => (map ? 540 : Math.min(820, Math.max(440, 260 + Math.ceil(Math.sqrt(view.nodes.length)) * 44)));

interface PictureProps {
  view: Topology;
  timeline: Timeline | undefined;
  state: TopologyState;
  update: (patch: Partial<TopologyState>) => void;
}

function Picture({ view, timeline, state, update }: PictureProps) {
  const kept = useTimeSearch();
  const { zone } = usePrefs();
  const { range } = useTime();
  const [, navigate] = useLocation();
  const index = timeline && state.at !== null ? bucketOf(timeline, state.at) : null;
  const now = useMemo(() => (timeline && index !== null ? atBucket(timeline, index) : measured), [timeline, index]);
  const at = state.at === null ? range.until : String(view.at);
  const { changes, setChanges, outcome, path, after, shown, loads, selected } = useModelled(view, state, at, now);
  const search = useDeferredValue(state.search);
  const found = useMemo(() => matching(view.nodes, search), [view, search]);
  const open = useCallback((node: TopologyNode) => {
    if (node.kind === "device") navigate(devicePath(node.name, kept));
    else update({ site: node.name, devices: false, link: "", search: "" });
  }, [navigate, kept, update]);
  const asks = state.ask === "what-if";
  const openEdge = useCallback((edge: TopologyEdge) => {
    if (asks) setChanges(toggleFailed(changes, edge.links.map((link) => link.id)));
    else update({ link: edge.id, ask: "" });
  }, [update, asks, changes, setChanges]);
  const find = (): void => {
    const first = view.nodes.find((node) => found.has(node.id));
    if (first && found.size === 1) open(first);
  };
  const map = view.geographic && !state.scheme;
  const latest = useMemo(() => Math.max(-1, ...view.edges.map((one) => most(measured(one)) ?? -1)), [view]);
  const edge = state.ask ? undefined : view.edges.find((one) => one.id === state.link);
  const window = `${duration(view.window.until - view.window.since)} before ${dateTime(view.at, zone)}`;
  const hint = [plural(view.nodes.filter((node) => !node.outside).length, isDeviceLevel(state) ? "device" : "site"), plural(view.edges.reduce((sum, one) => sum + one.links.length, 0), "link"), search ? `${found.size} found` : ""].filter(Boolean).join(" · ");
  const close = (): void => update({ ask: "" });
  return (
    <>
      {view.notes.map((note) => <p key={note} className={css.note} role="note"><Icon name="info" size={14} />{note}</p>)}
      <Panel title={state.site ? "Devices and what they lead to" : "Network"} hint={hint} actions={<Controls view={view} state={state} update={update} find={find} />} flush>
        {after && <p className={css.modelled} role="note"><Icon name="info" size={14} />As the model says it would be with {plural(changes.length, "change")}; lines that nothing changes for show what was measured.</p>}
        {!state.table && (
          <div className={css.stage} data-open={edge || state.ask ? true : undefined}>
            <Drawing view={shown} loads={loads} map={map} height={heightOf(view, map)} selected={selected} found={found} openNode={open} openEdge={openEdge} />
            {edge && <LinkPanel key={edge.id} view={view} edge={edge} load={loads(edge)} timeline={timeline} past={index !== null} close={() => update({ link: "" })} />}
            <Suspense fallback={state.ask ? <aside className={css.panel} aria-busy /> : null}>
              {asks && <WhatIfPanel at={at} changes={changes} setChanges={setChanges} threshold={state.full / 100} setThreshold={(value) => update({ full: Math.round(value * 100) })} outcome={outcome} close={close} />}
              {state.ask === "path" && <PathPanel key={`${state.from}|${state.to}`} at={at} from={state.from} to={state.to} find={(from, to) => update({ from, to })} answer={path} close={close} />}
            </Suspense>
          </div>
        )}
        {!state.table && <Legend map={map} />}
        {timeline && timeline.count > 1 && timeline.edges.length > 0 && (
          <TimeSlider timeline={timeline} index={index} latest={latest < 0 ? null : latest} setIndex={(next) => update({ at: next === null ? null : endOf(timeline, next) })} />
        )}
      </Panel>
      {after && <Suspense fallback={null}><Outcome outcome={after} /></Suspense>}
      {view.edges.length === 0 && <HowToLink counts={view.counts} site={state.site} />}
      {view.edges.length > 0 && state.table && <LinkTable edges={view.edges} window={window} />}
    </>
  );
}

export default function TopologyPage() {
  const kept = useTimeSearch();
  const [state, update] = useTopologyState();
  const settled = useSettled(state.at);
  const picture = usePicture(state, settled);
  const timeline = useTimeline(state).data;
  return (
    <>
      <PageHeader
        title="Topology" before={state.site ? <Link href={withParams("/topology", kept, {})} aria-label="All sites"><Icon name="left" /></Link> : undefined}
        subtitle={state.site ? <Crumbs view={picture.data} site={state.site} /> : "Sites, devices and the links between them, coloured by how loaded they are"}
      >
        <TimeRangePicker />
      </PageHeader>
      <Answer of={picture} height={560}>{(view) => (view.counts.devices === 0 ? <Panel><HowToLink counts={view.counts} site="" /></Panel> : <Picture view={view} timeline={timeline} state={state} update={update} />)}</Answer>
    </>
  );
}

/** The slider's moment once it rests: while it moves, colours come from the timeline and nothing is asked. */
function useSettled(at: number | null): number | null {
  const [settled, setSettled] = useState(at);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(at), at === null ? 0 : 700);
    return () => clearTimeout(timer);
  }, [at]);
  return settled;
}
