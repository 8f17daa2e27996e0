import { Button, SegmentedControl, TextInput } from "@mantine/core";
import { useState, type FormEvent, type ReactNode } from "react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { call } from "../../api/client";
import type { PrefixRoutes, RouteChurn, RouteLookup, RouterRoutes } from "../../api/types";
import { useParam } from "../../app/params";
import { useTime } from "../../app/time";
import { usePrefs } from "../../lib/prefs";
import { dateTime } from "../../lib/time";
import { format, plural } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { DataTable, type Column } from "../../ui/DataTable";
import { Icon } from "../../ui/Icon";
import layout from "../../ui/layout.module.css";
import { Panel } from "../../ui/Panel";
import { EmptyState } from "../../ui/States";
import { StatusPill } from "../../ui/Status";
import { usePage } from "../devices/usePage";
import { AsPath, PrefixLink, Router, ShowSql, Validity, type AsNames } from "./parts";
import { PathTable } from "./PathTable";
import { RouteTimeline } from "./RouteTimeline";
import css from "./routing.module.css";
import { mayBePrefix, SOURCES } from "./words";

const RELATIONS: Record<string, string> = { exact: "exact match", covering: "covers it", longer: "more specific" };
const MATCHES = [{ value: "exact", label: "Exact" }, { value: "covering", label: "Covering" }, { value: "all", label: "With more specific" }];

function Asked({ prefix, setPrefix, match, setMatch }: { prefix: string; setPrefix: (text: string) => void; match: string; setMatch: (text: string) => void }) {
  const [text, setText] = useState(prefix);
  const [known, setKnown] = useState(prefix);
  if (known !== prefix) {  // followed a link: the field follows
    setKnown(prefix);
    setText(prefix);
  }
  const wrong = text.trim() !== "" && !mayBePrefix(text);
  const ask = (event: FormEvent): void => {
    event.preventDefault();
    if (!wrong) setPrefix(text.trim());
  };
  return (
    <form className={css.asked} onSubmit={ask}>
      <TextInput
        size="sm" w={340} placeholder="Prefix or address: 192.0.2.0/24, 2001:db8::1" aria-label="Prefix or address" data-filter leftSection={<Icon name="search" size={15} />}
        value={text} onChange={(event) => setText(event.target.value)} error={wrong ? "Neither a prefix nor an address" : undefined}
      />
      <Button type="submit" size="sm" disabled={wrong || text.trim() === ""}>Look up</Button>
      <SegmentedControl size="sm" aria-label="Which prefixes" value={match} onChange={setMatch} data={MATCHES} />
    </form>
  );
}

/** One router's choice: what it uses and why, then every path it knows. */
function Choice({ router, names }: { router: RouterRoutes; names: AsNames }) {
  const best = router.paths.find((path) => path.best);
  return (
    <section className={css.router} aria-label={router.name}>
      <header>
        <h3><Router name={router.name} exporter={router.exporter} /></h3>
        <span className="faint">{SOURCES[router.source] ?? router.source}</span>
        {best ? <span className={css.verdict}>uses <AsPath path={best.as_path} names={names} /></span> : <span className={css.verdict}>uses none of them</span>}
        {router.why && <span className="muted">{router.why}</span>}
        {best && !router.told && <span className={css.computed} title="The router does not tell its Loc-RIB: the best path is worked out from the attributes that its neighbours sent">worked out</span>}
      </header>
      <PathTable paths={router.paths} names={names} of={router.name} />
    </section>
  );
}

function PrefixPanel({ of, names, actions }: { of: PrefixRoutes; names: AsNames; actions?: ReactNode }) {
  const used = of.routers.filter((router) => router.used).length;
  const hint = [RELATIONS[of.relation], of.family.replaceAll("_", " "), of.vrf && `VRF ${of.vrf}`, of.relation === "covering" && used > 0 && `used by ${plural(used, "router")}`].filter(Boolean).join(" · ");
  return (
    <Panel title={<code className={css.title}>{of.prefix}</code>} hint={hint} actions={<>{!of.standing && <StatusPill status="warn">no route</StatusPill>}{actions}</>}>
      <div className={css.routers}>{of.routers.map((router) => <Choice key={router.exporter + router.source} router={router} names={names} />)}</div>
    </Panel>
  );
}

interface Line {
  prefix: PrefixRoutes;
  router: RouterRoutes;
}

const none = <span className="faint">–</span>;

function linesAt(names: AsNames, at: string): Column<Line>[] {
  const best = (line: Line) => line.router.paths.find((path) => path.best) ?? line.router.paths.find((path) => path.standing);
  return [
    { key: "prefix", title: "Prefix", render: (line) => <PrefixLink prefix={line.prefix.prefix} at={at} /> },
    { key: "router", title: "Router", sort: (line) => line.router.name, render: (line) => <Router name={line.router.name} exporter={line.router.exporter} source={line.router.source} /> },
    { key: "vrf", title: "VRF", sort: (line) => line.prefix.vrf, render: (line) => line.prefix.vrf || none },
    { key: "path", title: "AS path", render: (line) => { const path = best(line); return path ? <AsPath path={path.as_path} names={names} /> : <span className="faint">gone</span>; } },
    { key: "origin", title: "Origin", sort: (line) => best(line)?.origin_as ?? null, render: (line) => { const path = best(line); return path?.origin_as ? <span title={names[String(path.origin_as)]}>AS{path.origin_as}</span> : none; } },
    { key: "paths", title: "Paths", numeric: true, render: (line) => line.router.paths.filter((path) => path.standing).length },
    { key: "rpki", title: "RPKI", sort: (line) => best(line)?.rpki ?? "", render: (line) => <Validity state={best(line)?.rpki ?? "unchecked"} /> },
  ];
}

function Others({ title, hint, of, names, at }: { title: string; hint: string; of: readonly PrefixRoutes[]; names: AsNames; at: string }) {
  const lines = of.flatMap((prefix) => prefix.routers.map((router) => ({ prefix, router })));
  if (lines.length === 0) return null;
  return (
    <Panel title={title} hint={hint} flush>
      <DataTable columns={linesAt(names, at)} rows={lines} rowKey={(line) => `${line.prefix.prefix} ${line.prefix.vrf} ${line.prefix.family} ${line.router.exporter} ${line.router.source}`} caption={title} maxHeight={420} />
    </Panel>
  );
}

function Found({ view, at, setAt }: { view: RouteLookup; at: string; setAt: (at: string) => void }) {
  const { zone } = usePrefs();
  const exact = view.prefixes.filter((one) => one.relation === "exact");
  const covering = view.prefixes.filter((one) => one.relation === "covering");
  const main = exact.length > 0 ? exact : covering.filter((one) => one.routers.some((router) => router.used));
  const rest = covering.filter((one) => !main.includes(one));
  const longer = view.prefixes.filter((one) => one.relation === "longer");
  const first = main[0]?.prefix ?? view.asked;
  const standing = view.prefixes.some((one) => one.standing);
  return (
    <>
      {!standing && (
        <Panel>
          <EmptyState
            title={`No route to ${view.asked} at ${dateTime(view.at, zone)}`}
            action={view.last_heard !== null && <Button variant="default" onClick={() => setAt(String(Math.floor(view.last_heard ?? 0) + 1))}>Go to when it was last heard of</Button>}
          >
            {view.last_heard === null ? "No router that is monitored has told of it." : `Last heard of ${dateTime(view.last_heard, zone, true)}.`}
          </EmptyState>
        </Panel>
      )}
      {main.map((one) => (
        <PrefixPanel
          key={`${one.prefix} ${one.family} ${one.vrf}`} of={one} names={view.as_names}
          actions={one === main[0] && <><span className="faint">{format(view.elapsed_ms / 1000, "s")}</span><ShowSql of={view} what="Routes as of a time" /></>}
        />
      ))}
      {view.truncated && <p className="muted">There are more routes than are shown: ask for a longer prefix.</p>}
      <RouteTimeline prefix={first} at={at ? Number(at) : null} setAt={setAt} />
      <Others title="Shorter prefixes that cover it" hint="used where nothing longer stands" of={rest} names={view.as_names} at={at} />
      <Others title="More specific prefixes" hint={`inside ${view.asked}: they win over it`} of={longer} names={view.as_names} at={at} />
    </>
  );
}

/** Nothing asked yet: prefixes that changed of late, to begin with. */
function Begin() {
  const answer = usePage<RouteChurn>("routing/churn", true, { by: "prefix", limit: "8" });
  return (
    <Panel>
      <EmptyState title="Which prefix or address?">
        What every router knew of it, from which neighbours, which path was best and why: now, or at any time that is kept.
        {answer.data && answer.data.rows.length > 0 && <p className={css.begin}>Changed of late: {answer.data.rows.map((row) => <PrefixLink key={row.prefix} prefix={row.prefix} />)}</p>}
        {answer.data?.rows.length === 0 && <p>No router has told of routes in this range. Let one speak BMP to Weft, or import an MRT dump.</p>}
      </EmptyState>
    </Panel>
  );
}

/** As of the time that was picked in the timeline, else of the end of the page's range. */
function useLookup(prefix: string, match: string, at: string) {
  const { range, interval } = useTime();
  const params = new URLSearchParams({ prefix, match, at: at || range.until });
  const path = `routing/lookup?${params}`;
  return useQuery({
    queryKey: ["get", path], queryFn: ({ signal }) => call<RouteLookup>(path, { signal }), enabled: prefix !== "",
    placeholderData: keepPreviousData, refetchInterval: !at && range.until === "now" ? interval || 30_000 : false,
  });
}

export default function LookupTab() {
  const { range } = useTime();
  const { zone } = usePrefs();
  const [prefix, setPrefix] = useParam("prefix");
  const [match, setMatch] = useParam("match");
  const [at, setAt] = useParam("at");
  const answer = useLookup(prefix, match || "all", at);
  const moment = answer.data ? dateTime(answer.data.at, zone, true) : "";
  return (
    <>
      <Panel>
        <div className={layout.tools}>
          <Asked prefix={prefix} setPrefix={setPrefix} match={match || "all"} setMatch={(value) => setMatch(value === "all" ? "" : value)} />
          {prefix && <span className={css.asOf}>as of <b>{at ? moment : range.until === "now" ? "now" : moment}</b></span>}
          {at && <Button size="compact-sm" variant="default" onClick={() => setAt("")}>{range.until === "now" ? "Back to now" : "Back to the end of the range"}</Button>}
        </div>
      </Panel>
      {prefix === "" ? <Begin /> : <Answer of={answer} rows={8}>{(view) => <Found view={view} at={at} setAt={setAt} />}</Answer>}
    </>
  );
}
