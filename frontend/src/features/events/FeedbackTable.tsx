import { ActionIcon, Tooltip } from "@mantine/core";
import { Link } from "wouter";
import { call } from "../../api/client";
import { useChange } from "../../api/queries";
import type { Feedback } from "../../api/types";
import { useTimeSearch } from "../../app/time";
import { ago } from "../../lib/time";
import { DataTable, type Column } from "../../ui/DataTable";
import { Icon } from "../../ui/Icon";
import { EmptyState } from "../../ui/States";
import { notify } from "../../ui/toast";
import css from "./events.module.css";
import { eventPath, timesOf, VERDICTS } from "./words";

/** Whether it still holds, and if not why. */
function standing(one: Feedback, now: number): string {
  if (one.withdrawn_s !== null) return `withdrawn by ${one.withdrawn_by}`;
  if (one.until_s === null) return "holds";
  return one.until_s > now ? `ends in ${ago(2 * now - one.until_s, now).replace(" ago", "")}` : "over";
}

const holds = (one: Feedback, now: number): boolean => one.withdrawn_s === null && (one.until_s === null || one.until_s > now);

/** What people said of events, and what it has kept quiet. */
export function FeedbackTable({ rows, now, may }: { rows: readonly Feedback[]; now: number; may: boolean }) {
  const kept = useTimeSearch();
  const change = useChange((id: string) => call<Feedback>(`feedback/${encodeURIComponent(id)}`, { method: "DELETE" }), "feedback");
  const withdraw = (one: Feedback): void => change.mutate(one.id, { onSuccess: () => notify("good", "Withdrawn: such events are raised again"), onError: (error) => notify("bad", error.message) });
  const columns: Column<Feedback>[] = [
    { key: "verdict", title: "Said", sort: (one) => one.verdict, render: (one) => <span className={css.times}><span>{VERDICTS[one.verdict]}</span>{one.verdict === "expected" && <small>{timesOf(one)}</small>}</span> },
    { key: "scope", title: "Of", sort: (one) => one.scope_text, render: (one) => <span className={css.what}><span><Link href={eventPath(one.event_id, kept)}>{one.scope_text}</Link></span>{one.note && <small title={one.note}>{one.note}</small>}</span> },
    { key: "author", title: "By", sort: (one) => one.author, render: (one) => <span className={css.author} title={one.author}>{one.author}</span> },
    { key: "when", title: "When", numeric: true, sort: (one) => one.created_s, render: (one) => ago(one.created_s, now) },
    { key: "standing", title: "Standing", sort: (one) => standing(one, now), render: (one) => (holds(one, now) ? <span className={css.banner}>{standing(one, now)}{may && <Tooltip label="Withdraw"><ActionIcon variant="subtle" aria-label={`Withdraw: ${one.scope_text}`} onClick={() => withdraw(one)}><Icon name="trash" size={14} /></ActionIcon></Tooltip>}</span> : <span className="faint">{standing(one, now)}</span>) },
    { key: "suppressed", title: "Kept quiet", numeric: true, hint: "Events that were suppressed by it", sort: (one) => one.suppressed, render: (one) => one.suppressed },
  ];
  return <DataTable columns={columns} rows={rows} rowKey={(one) => one.id} caption="Feedback" rowHeight={52} empty={<EmptyState title="Nobody said anything yet" icon="user">On the page of an event you can say that it is not an issue, that it is expected, or that you do not want to hear of it now.</EmptyState>} />;
}
