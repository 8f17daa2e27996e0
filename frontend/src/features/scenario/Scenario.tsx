import { Button, Drawer, SegmentedControl, Select, Switch } from "@mantine/core";
import { useState } from "react";
import { call } from "../../api/client";
import { useChange, useGet } from "../../api/queries";
import type { Fault, FaultKind, Twin } from "../../api/types";
import { useSession } from "../../app/session";
import { useNow } from "../../app/time";
import { usePrefs } from "../../lib/prefs";
import { ago, dateTime } from "../../lib/time";
import { duration } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { StatusPill, type Status } from "../../ui/Status";
import { notify } from "../../ui/toast";
import css from "./scenario.module.css";

const REFRESH_MS = 3000;
const PACES = [{ value: "0", label: "Off" }, { value: "1", label: "Usual" }, { value: "3", label: "3×" }, { value: "10", label: "10×" }];
const LENGTHS = [{ value: "120", label: "2 minutes" }, { value: "600", label: "10 minutes" }, { value: "1800", label: "30 minutes" }, { value: "7200", label: "2 hours" }];

const GROUPS: Record<string, string> = {
  link: "Links", device: "Devices", routing: "Routing", traffic: "Traffic", security: "Security", change: "Changes", application: "Applications", cloud: "Clouds",
  telemetry: "Telemetry", ai: "AI cluster", benign: "Decoys: look like trouble, are none",
};

const failed = (error: Error): void => notify("bad", error.message);

/** Kinds under the titles of their families, in the order of the server. */
export function byGroup(kinds: readonly FaultKind[]): { group: string; items: { value: string; label: string }[] }[] {
  const found = new Map<string, { value: string; label: string }[]>();
  for (const kind of kinds) {
    const title = GROUPS[kind.group] ?? kind.group;
    found.set(title, [...(found.get(title) ?? []), { value: kind.name, label: kind.title }]);
  }
  return [...found].map(([group, items]) => ({ group, items }));
}

function Trigger({ twin }: { twin: Twin }) {
  const [name, setName] = useState("link_cut");
  const [place, setPlace] = useState<string | null>(null);
  const [lasts, setLasts] = useState("");
  const trigger = useChange((body: object) => call<Fault>("twin/faults", { body }), "twin");
  const kind = twin.kinds.find((one) => one.name === name) ?? twin.kinds[0];
  if (!kind) return null;
  const submit = (): void => trigger.mutate({ kind: kind.name, place: place ?? "", duration_s: lasts ? Number(lasts) : null }, {
    onSuccess: (fault) => notify("warn", `${fault.title}: ${fault.where}`), onError: failed,
  });
  return (
    <form className={css.form} onSubmit={(event) => { event.preventDefault(); submit(); }}>
      <Select label="What goes wrong" searchable value={kind.name} data={byGroup(twin.kinds)} allowDeselect={false} maxDropdownHeight={380} onChange={(value) => { setName(value ?? kind.name); setPlace(null); }} />
      <p className="muted">{kind.description}</p>
      {kind.places.length > 1 && <Select label="Where" searchable clearable placeholder="anywhere" limit={80} value={place} data={kind.places.map((one) => ({ value: one.id, label: one.title }))} onChange={setPlace} />}
      <div className={css.row}>
        <Select label="How long" w={190} value={lasts} data={[{ value: "", label: `As usual (${duration(kind.default_duration_s)})` }, ...LENGTHS]} allowDeselect={false} onChange={(value) => setLasts(value ?? "")} />
        <Button type="submit" loading={trigger.isPending}>Let it happen</Button>
      </div>
    </form>
  );
}

const STATES: Record<Fault["state"], { status: Status; word: string }> = { active: { status: "bad", word: "now" }, over: { status: "idle", word: "over" }, planned: { status: "warn", word: "planned" } };

function Truth({ fault }: { fault: Fault }) {
  return (
    <dl className={css.truth}>
      <div><dt>Cause</dt><dd>{fault.text} <code>{fault.root_cause}</code></dd></div>
      <div><dt>Shows in</dt><dd><ul>{fault.symptoms.map((one) => <li key={`${one.dataset} ${one.entity} ${one.text}`}><b>{one.dataset}</b> {one.text}</li>)}</ul></dd></div>
      <div><dt>Right answer</dt><dd>{fault.action.text || fault.action.kind}</dd></div>
    </dl>
  );
}

function FaultEntry({ fault, truths, may }: { fault: Fault; truths: boolean; may: boolean }) {
  const now = useNow(5);
  const { zone } = usePrefs();
  const end = useChange((id: string) => call<Fault>(`twin/faults/${encodeURIComponent(id)}/end`, { method: "POST" }), "twin");
  const state = fault.is_benign && fault.state === "active" ? { status: "idle" as const, word: "now, harmless" } : STATES[fault.state];
  const when = fault.state === "active" ? `since ${ago(fault.start, now)}, ends in ${duration(Math.max(0, Math.round(fault.end - now)))}` : `${dateTime(fault.start, zone)}, for ${duration(Math.round(fault.end - fault.start))}`;
  return (
    <li>
      <div className={css.head}>
        <b>{fault.title}</b>
        <StatusPill status={state.status}>{state.word}</StatusPill>
        {may && fault.state === "active" && <Button size="compact-xs" variant="default" loading={end.isPending} onClick={() => end.mutate(fault.id, { onError: failed })}>End it</Button>}
      </div>
      <small>{fault.where}</small>
      <small className="faint">{when}{fault.triggered ? ", triggered" : ""}</small>
      {truths && <Truth fault={fault} />}
    </li>
  );
}

const RECENT = 30;

function Board({ twin }: { twin: Twin }) {
  const { user } = useSession();
  const [truths, setTruths] = useState(false);
  const may = user?.role !== "viewer";
  const pace = useChange((value: number) => call<Twin>("twin/pace", { method: "PUT", body: { pace: value } }), "twin");
  const reset = useChange(() => call<Twin>("twin/reset", { method: "POST" }), "twin");
  const active = twin.faults.filter((one) => one.state === "active");
  const rest = twin.faults.filter((one) => one.state === "over").slice(0, RECENT);
  const known = PACES.some((one) => Number(one.value) === twin.pace);
  return (
    <div className={css.board}>
      {may ? <Trigger twin={twin} /> : <p className="muted">You may look; operators let things go wrong.</p>}
      <section>
        <h3>By itself</h3>
        <div className={css.row}>
          <SegmentedControl
            aria-label="How often things go wrong by themselves" size="xs" disabled={!may} value={String(twin.pace)} data={known ? PACES : [...PACES, { value: String(twin.pace), label: `${twin.pace}×` }]}
            onChange={(value) => pace.mutate(Number(value), { onError: failed })}
          />
          {may && <Button size="xs" variant="default" loading={reset.isPending} onClick={() => reset.mutate(undefined, { onSuccess: () => notify("good", "Everything is mended"), onError: failed })}>Mend everything</Button>}
        </div>
      </section>
      <section>
        <div className={css.row}><h3>Now</h3><Switch size="xs" label="Show the truth" checked={truths} onChange={(event) => setTruths(event.currentTarget.checked)} /></div>
        {active.length === 0 ? <p className="muted">Nothing is wrong at {twin.organisation}.</p> : <ul className={css.faults}>{active.map((one) => <FaultEntry key={one.id} fault={one} truths={truths} may={may} />)}</ul>}
      </section>
      {rest.length > 0 && (
        <section>
          <h3>Before</h3>
          <ul className={css.faults}>{rest.map((one) => <FaultEntry key={one.id} fault={one} truths={truths} may={may} />)}</ul>
        </section>
      )}
    </div>
  );
}

/** What goes wrong in the demo: to be triggered, watched and ended. It is the answer sheet, not what Weft found. */
export default function Scenario({ close }: { close: () => void }) {
  const twin = useGet<Twin>("twin", REFRESH_MS);
  return (
    <Drawer opened onClose={close} position="right" size={430} title="Scenario" overlayProps={{ backgroundOpacity: 0.15 }}>
      <Answer of={twin} rows={8}>{(known) => <Board twin={known} />}</Answer>
    </Drawer>
  );
}
