import type { RankedPath } from "../../api/types";
import { usePrefs } from "../../lib/prefs";
import { dateTime } from "../../lib/time";
import type { Zone } from "../../lib/time";
import { DataTable, type Column } from "../../ui/DataTable";
import { Icon } from "../../ui/Icon";
import { AsPath, Communities, Peer, Table, Validity, type AsNames } from "./parts";
import css from "./routing.module.css";
import { whyNot } from "./words";

const none = <span className="faint">–</span>;

function Mark({ path }: { path: RankedPath }) {
  const why = whyNot(path);
  if (path.best) return <span className={css.best} title="The path in use"><Icon name="check" size={14} strokeWidth={2.4} />best</span>;
  return <span className={path.standing ? css.lost : css.gone}>{why || "–"}</span>;
}

function columnsAt(names: AsNames, zone: Zone): Column<RankedPath>[] {
  return [
    { key: "why", title: "Choice", hint: "The step of the selection (RFC 4271 §9.1.2.2) that took it out", render: (path) => <Mark path={path} /> },
    { key: "peer", title: "From", render: (path) => <Peer path={path} /> },
    { key: "rib", title: "Table", hint: "Before policy, after it, or the router's own choice", render: (path) => <Table rib={path.rib} /> },
    { key: "path", title: "AS path", render: (path) => <AsPath path={path.as_path} names={names} /> },
    { key: "hop", title: "Next hop", render: (path) => (path.next_hop ? <span title={path.next_hop}>{path.next_hop_name || <code>{path.next_hop}</code>}</span> : none) },
    { key: "pref", title: "Pref", numeric: true, hint: "LOCAL_PREF; 100 is meant where none was sent", render: (path) => path.local_pref || none },
    { key: "med", title: "MED", numeric: true, render: (path) => path.med || none },
    { key: "rpki", title: "RPKI", render: (path) => <Validity state={path.rpki} /> },
    { key: "since", title: "Since", hint: "When the route became what it is; – is longer ago than was read", render: (path) => (path.since === null ? none : dateTime(path.since, zone)) },
    { key: "communities", title: "Communities", render: (path) => <Communities of={path.communities} /> },
  ];
}

/** Every path that one router knows to one prefix, the best first. */
export function PathTable({ paths, names, of }: { paths: readonly RankedPath[]; names: AsNames; of: string }) {
  const { zone } = usePrefs();
  return <DataTable columns={columnsAt(names, zone)} rows={paths} rowKey={(path) => `${path.rib} ${path.peer} ${path.vrf} ${path.path_id}`} caption={`Paths of ${of}`} />;
}
