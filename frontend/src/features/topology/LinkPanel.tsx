import { ActionIcon } from "@mantine/core";
import { useMemo, type ReactNode } from "react";
import { Link } from "wouter";
import { useView } from "../../api/queries";
import type { LinkDirection, Query, Timeline, Topology, TopologyEdge, TopologyLink } from "../../api/types";
import { useTime, useTimeSearch } from "../../app/time";
import { bandOf, percent } from "../../charts/topology";
import { explorePath, interfacePath } from "../../lib/links";
import { duration, format, plural } from "../../lib/units";
import { statusOf, wordOf } from "../../lib/verdict";
import { Answer } from "../../ui/Answer";
import { FactList } from "../../ui/FactList";
import { Icon } from "../../ui/Icon";
import { Ranking } from "../../ui/Ranking";
import { Sparkline } from "../../ui/Sparkline";
import { StatusPill } from "../../ui/Status";
import { anyOf } from "../devices/ask";
import { ShowQuery } from "../devices/ShowQuery";
import { MeasuredBy, OperPill, originName } from "../devices/words";
import { groupsOf } from "../explorer/groups";
import { edgeTitle } from "./Drawing";
import { courseOf, type Course, type Load } from "./load";
import css from "./topology.module.css";

interface LinkPanelProps {
  view: Topology;
  edge: TopologyEdge;
  load: Load;
  timeline: Timeline | undefined;
  /** Whether the slider stands at another moment than the figures are of. */
  past: boolean;
  close: () => void;
}

const lost = (direction: LinkDirection): string => {
  const parts = [["errors", direction.errors_per_s], ["discards", direction.discards_per_s]] as const;
  const known = parts.filter(([, value]) => value !== null);
  return known.length === 0 ? "errors not known" : known.map(([what, value]) => `${value === 0 ? "no" : format(value, "")} ${what}${value === 0 ? "" : "/s"}`).join(", ");
};

function Way({ to, direction, share, course }: { to: string; direction: LinkDirection; share: number | null; course: readonly (number | null)[] | undefined }) {
  return (
    <div className={css.way}>
      <span>to {to}</span>
      <b>{percent(share)}<i data-band={bandOf(share).name} /></b>
      <span className={css.wayRate}>{format(direction.bps, "bit/s")}</span>
      {course && course.some((value) => value !== null) ? <Sparkline values={course} width={130} height={24} /> : <span />}
      <small>{lost(direction)}</small>
    </div>
  );
}

function Member({ link, kept }: { link: TopologyLink; kept: string }) {
  const end = (which: "a" | "b"): ReactNode => <Link href={interfacePath(link[which].device, link[which].interface, kept)}>{link[which].device} <code>{link[which].interface}</code></Link>;
  return (
    <li>
      <div className={css.memberEnds}>{end("a")}<span aria-hidden>⇄</span>{end("b")}</div>
      <div className={css.memberFacts}>
        <OperPill oper={link.oper} />
        <span>{percent(link.forward.utilisation)} there, {percent(link.backward.utilisation)} back of {link.capacity_bps ? format(link.capacity_bps, "bit/s") : "?"}</span>
        <ShowQuery query={link.a.query} what={`${link.a.device} ${link.a.interface}`} />
      </div>
      {(link.provider || link.circuit) && <small>{[link.provider, link.circuit].filter(Boolean).join(" · ")}</small>}
    </li>
  );
}

const MOST_MEMBERS = 8;

/** Who uses the link, by flow records of either end. */
function Talkers({ edge }: { edge: TopologyEdge }) {
  const kept = useTimeSearch();
  const { range } = useTime();
  const filter = anyOf(edge.links.slice(0, MOST_MEMBERS).map((link) => link.a.flow_filter || link.b.flow_filter));
  const query = useMemo<Query>(() => ({ dataset: "flows", view: "series", measures: ["bps"], by: ["src_as", "dst_as"], filter, top: 5, other: false, points: 10, since: range.since, until: range.until }), [filter, range]);
  const answer = useView(query, { enabled: filter !== "" });
  if (!filter) return <p className="muted">Neither end's ifIndex is known, so flows cannot be tied to it.</p>;
  return (
    <>
      <Answer of={answer} rows={4}>
        {(result) => {
          const groups = groupsOf(result);
          if (groups.length === 0) return <p className="muted">No flow records name this link in the range.</p>;
          return <Ranking rows={groups.map((group) => ({ id: group.id, value: group.average, slot: group.slot, name: <span title={group.label}>{group.label}</span>, figure: format(group.average, result.unit) }))} />;
        }}
      </Answer>
      <p className={css.more}>
        <Link href={explorePath({ by: ["src_as", "dst_as"], filter }, kept)}>Explore its flows</Link>
        <Link href={explorePath({ by: ["app"], filter }, kept)}>By application</Link>
        <Link href={explorePath({ chart: "sankey", by: ["src_as", "app", "dst_as"], filter }, kept)}>As a Sankey</Link>
      </p>
    </>
  );
}

/** Everything about one line of the picture. */
export function LinkPanel({ view, edge, load, timeline, past, close }: LinkPanelProps) {
  const kept = useTimeSearch();
  const nodes = useMemo(() => new Map(view.nodes.map((node) => [node.id, node])), [view]);
  const course = useMemo<Course | null>(() => (timeline ? courseOf(timeline, edge.id) : null), [timeline, edge.id]);
  const short = (id: string): string => nodes.get(id)?.title || nodes.get(id)?.name || id;
  const label = (id: string): string => (nodes.get(id)?.kind === "device" ? (nodes.get(id)?.name ?? id) : short(id));
  const providers = [...new Set(edge.links.map((link) => link.provider).filter(Boolean))];
  const origins = [...new Set(edge.links.flatMap((link) => link.origins))];
  const window = view.window.until - view.window.since;
  return (
    <aside className={css.panel} aria-label={`Link ${edgeTitle(edge, nodes)}`}>
      <header>
        <h2>{edgeTitle(edge, nodes)}</h2>
        <ActionIcon variant="subtle" aria-label="Close" onClick={close}><Icon name="close" /></ActionIcon>
      </header>
      <div className={css.panelStatus}>
        <StatusPill status={statusOf(edge.status)}>{wordOf(edge.status)}</StatusPill>
        <OperPill oper={edge.oper} />
        <MeasuredBy by={edge.measured} />
      </div>
      {edge.reasons.length > 0 && <ul className={css.reasons}>{edge.reasons.map((reason) => <li key={reason}>{reason}</li>)}</ul>}
      <Way to={label(edge.b)} direction={edge.forward} share={load.forward} course={course?.forward} />
      <Way to={label(edge.a)} direction={edge.backward} share={load.backward} course={course?.backward} />
      <p className="faint">
        {edge.links.length > 1 ? "Of the most loaded link; rates of all together. " : ""}
        Rates over {duration(window)}{past ? ", shares at the slider's moment" : ""}; lines over the time range.
      </p>
      <FactList facts={[["Capacity", edge.capacity_bps ? format(edge.capacity_bps, "bit/s") : "not known"], ["Provider", providers.join(", ")], ["Known from", origins.map(originName).join(", ")]]} />
      <h3>{edge.links.length > 1 ? plural(edge.links.length, "link") : "Ends"}</h3>
      <ul className={css.members}>{edge.links.map((link) => <Member key={link.id} link={link} kept={kept} />)}</ul>
      <h3>Top talkers</h3>
      <Talkers edge={edge} />
    </aside>
  );
}
