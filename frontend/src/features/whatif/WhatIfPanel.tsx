import { ActionIcon, Button, NumberInput } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import { useMemo } from "react";
import type { NetworkChange, WhatIf } from "../../api/types";
import { percent } from "../../charts/topology";
import { format, plural } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { Icon } from "../../ui/Icon";
import { StatusPill, type Status } from "../../ui/Status";
import topology from "../topology/topology.module.css";
import { ChangeForm } from "./ChangeForm";
import { inWords, MOST_CHANGES, withChanges } from "./changes";
import { linkTitle, useLinks, useModel } from "./useNetwork";
import css from "./whatif.module.css";

interface WhatIfPanelProps {
  at: string;
  changes: readonly NetworkChange[];
  setChanges: (changes: NetworkChange[]) => void;
  threshold: number;
  setThreshold: (threshold: number) => void;
  outcome: UseQueryResult<WhatIf>;
  close: () => void;
}

/** The gist, the worst first. */
export function verdictOf(outcome: WhatIf): { status: Status; text: string } {
  if (outcome.lost_bps > 0) return { status: "bad", text: `${format(outcome.lost_bps, "bit/s")} no longer arrives` };
  const full = outcome.links.filter((one) => outcome.newly_over.includes(one.id) && Math.max(one.forward.after.utilisation, one.backward.after.utilisation) > 1).length;
  if (full > 0) return { status: "bad", text: `${plural(full, "link")} would be offered more than fits` };
  if (outcome.newly_over.length > 0) return { status: "warn", text: `${plural(outcome.newly_over.length, "link")} over ${percent(outcome.threshold)}` };
  return { status: "good", text: "Everything still fits" };
}

function Compared({ label, before, after, note }: { label: string; before: string; after: string; note?: string | undefined }) {
  return (
    <div className={css.compared}>
      <dt>{label}</dt>
      <dd>{before === after ? after : <><span className="faint">{before} →</span> <b>{after}</b></>}{note && <small>{note}</small>}</dd>
    </div>
  );
}

const delay = (ms: number | null): string => (ms === null ? "–" : format(ms / 1000, "s"));

function Summary({ outcome, nameOf }: { outcome: WhatIf; nameOf: (id: string) => string }) {
  const verdict = verdictOf(outcome);
  const { before, after } = outcome;
  return (
    <>
      <div className={css.verdict} role="status"><StatusPill status={verdict.status}>{verdict.text}</StatusPill></div>
      <dl className={css.totals}>
        <Compared label="Highest utilisation" before={percent(before.max_utilisation)} after={percent(after.max_utilisation)} note={after.worst_link && nameOf(after.worst_link)} />
        <Compared label={`Directions over ${percent(outcome.threshold)}`} before={String(before.over_threshold)} after={String(after.over_threshold)} />
        <Compared label="Takes another way" before={format(outcome.moved_bps, "bit/s")} after={format(outcome.moved_bps, "bit/s")} />
        <Compared label="Lost" before={format(outcome.lost_bps, "bit/s")} after={format(outcome.lost_bps, "bit/s")} note={outcome.broken_count > 0 ? plural(outcome.broken_count, "demand") : undefined} />
        <Compared label="Mean delay" before={delay(before.mean_delay_ms)} after={delay(after.mean_delay_ms)} />
      </dl>
      {outcome.drained && (
        <p className={css.note}>
          Drained, before anything is switched off: at most {percent(outcome.drained.max_utilisation)}
          {outcome.drained.still_carries_bps > 0 ? `; ${format(outcome.drained.still_carries_bps, "bit/s")} has no other way.` : "; nothing is left on it."}
        </p>
      )}
      {outcome.cut_off.map((one) => <p key={one.text} className={css.note}>{one.text}</p>)}
    </>
  );
}

/** What is changed, and what that would mean in short; the tables below the picture say it in full. */
export function WhatIfPanel({ at, changes, setChanges, threshold, setThreshold, outcome, close }: WhatIfPanelProps) {
  const model = useModel(at);
  const links = useLinks(at, true);
  const names = useMemo(() => new Map((links.data?.links ?? []).map((one) => [one.id, linkTitle(one)])), [links.data]);
  const nameOf = (id: string): string => names.get(id) ?? id;
  return (
    <aside className={topology.panel} aria-label="What if">
      <header>
        <h2>What if…</h2>
        <ActionIcon variant="subtle" aria-label="Close" onClick={close}><Icon name="close" /></ActionIcon>
      </header>
      {changes.length === 0
        ? <p className="muted">Click a line in the picture to let it fail, or add a change below. Nothing is done to the network: loads are computed by the model.</p>
        : (
          <ul className={css.changes} aria-label="Changes">
            {changes.map((one, index) => {
              const text = inWords(one, nameOf);
              return (
                <li key={JSON.stringify(one)}>
                  <span>{text}</span>
                  <ActionIcon size="sm" variant="subtle" aria-label={`Take back: ${text}`} onClick={() => setChanges(changes.filter((_, other) => other !== index))}><Icon name="close" size={13} /></ActionIcon>
                </li>
              );
            })}
          </ul>
        )}
      {changes.length > 0 && <Answer of={outcome} rows={5}>{(known) => <Summary outcome={known} nameOf={nameOf} />}</Answer>}
      <Answer of={model} rows={3}>
        {(known) => (changes.length < MOST_CHANGES
          ? <ChangeForm model={known} links={links.data} add={(one) => setChanges(withChanges(changes, [one]))} />
          : <p className="muted">An address holds {MOST_CHANGES} changes at most.</p>)}
      </Answer>
      <div className={css.foot}>
        <NumberInput size="xs" w={150} label="A link counts as full from" suffix=" %" min={1} max={1000} value={Math.round(threshold * 100)} onChange={(value) => { if (Number(value) > 0) setThreshold(Number(value) / 100); }} />
        {changes.length > 0 && <Button size="xs" variant="subtle" onClick={() => setChanges([])}>Take all back</Button>}
      </div>
      {model.data && <Basis text={model.data.demand.text} error={model.data.demand.link_error} />}
    </aside>
  );
}

/** What the traffic of the model rests on, and how far it is from what counters say. */
function Basis({ text, error }: { text: string; error: number | null }) {
  const sentence = `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, "")}.`;
  return <p className="faint">{sentence}{error !== null && ` Modelled loads are ${percent(error)} off the counters.`}</p>;
}
