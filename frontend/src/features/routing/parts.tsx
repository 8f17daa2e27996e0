/** Small pieces that every part of the page writes the same way. */
import { ActionIcon, Drawer, Tooltip } from "@mantine/core";
import { Fragment, useState } from "react";
import { Link } from "wouter";
import type { RoutePath } from "../../api/types";
import { useTimeSearch } from "../../app/time";
import { devicePath, routingPath } from "../../lib/links";
import { format, grouped } from "../../lib/units";
import { CodeBlock } from "../../ui/CodeBlock";
import { Icon } from "../../ui/Icon";
import { StatusPill } from "../../ui/Status";
import css from "./routing.module.css";
import { hops, peerOf, SOURCES, TABLES, VALIDITY } from "./words";

export type AsNames = Readonly<Record<string, string>>;

/** The ASes of a path in order; a prepended one once, with how often. */
export function AsPath({ path, names }: { path: string; names: AsNames }) {
  if (!path) return <span className="faint">own</span>;
  return (
    <span className={css.asPath}>
      {hops(path).map(({ as, times }, index) => (
        <Fragment key={index}>{index > 0 && " "}<span title={names[as] ? `AS${as} ${names[as]}` : `AS${as}`}>{as}{times > 1 && <small>×{times}</small>}</span></Fragment>
      ))}
    </span>
  );
}

export function Asn({ number, names }: { number: number; names: AsNames }) {
  const name = names[String(number)];
  return <span title={name}>AS{number}{name && <span className="faint"> {name}</span>}</span>;
}

export function Validity({ state }: { state: string }) {
  const known = VALIDITY[state];
  if (!known || state === "unchecked") return <span className="faint">–</span>;
  if (known.status === "idle") return <span className="faint" title={known.meaning}>{known.word}</span>;
  return <span title={known.meaning}><StatusPill status={known.status}>{known.word}</StatusPill></span>;
}

export const Table = ({ rib }: { rib: string }) => <span title={TABLES[rib]?.meaning}>{TABLES[rib]?.word ?? rib}</span>;

export function Peer({ path }: { path: Pick<RoutePath, "peer" | "peer_name" | "peer_as"> }) {
  const kept = useTimeSearch();
  if (!path.peer) return <span className="faint">{peerOf(path)}</span>;
  return (
    <span title={path.peer}>
      {path.peer_name ? <Link href={devicePath(path.peer_name, kept)} onClick={(event) => event.stopPropagation()}>{path.peer_name}</Link> : <code>{path.peer}</code>}
      <span className="faint"> AS{path.peer_as}</span>
    </span>
  );
}

export function Router({ name, exporter, source }: { name: string; exporter: string; source?: string }) {
  const kept = useTimeSearch();
  return (
    <span title={exporter}>
      {name === exporter ? <code>{exporter}</code> : <Link href={devicePath(name, kept)} onClick={(event) => event.stopPropagation()}>{name}</Link>}
      {source && source !== "bmp" && <span className="faint"> {SOURCES[source] ?? source}</span>}
    </span>
  );
}

/** A prefix as a link to what routers know of it. */
export function PrefixLink({ prefix, at = "" }: { prefix: string; at?: string }) {
  const kept = useTimeSearch();
  if (!/^[0-9a-f.:]+\/\d+$/i.test(prefix)) return <code>{prefix}</code>;
  return <Link className={css.prefix} href={routingPath("", { prefix, at }, kept)} onClick={(event) => event.stopPropagation()}>{prefix}</Link>;
}

export function Communities({ of }: { of: readonly string[] }) {
  if (of.length === 0) return <span className="faint">–</span>;
  const shown = of.slice(0, 3);
  return <span className={css.communities} title={of.join(" ")}>{shown.map((one) => <code key={one}>{one}</code>)}{of.length > 3 && <span className="faint">+{of.length - 3}</span>}</span>;
}

/** What an answer rests on: its SQL, how much was read, how long it took. */
export function ShowSql({ of, what }: { of: { sql: string; rows_read: number; elapsed_ms: number }; what: string }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Tooltip label="Show query"><ActionIcon variant="subtle" aria-label={`Query of ${what}`} onClick={() => setOpen(true)}><Icon name="code" size={14} /></ActionIcon></Tooltip>
      <Drawer opened={open} onClose={() => setOpen(false)} title={what} size={720}>
        <p className="muted">{grouped(of.rows_read)} rows read in {format(of.elapsed_ms / 1000, "s")}</p>
        <CodeBlock text={of.sql} label={`SQL of ${what}`} />
      </Drawer>
    </>
  );
}
