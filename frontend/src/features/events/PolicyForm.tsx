import { ActionIcon, Autocomplete, Button, Modal, NativeSelect, NumberInput, Switch, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { call } from "../../api/client";
import { useCatalogue, useChange } from "../../api/queries";
import type { Catalogue, EventGroup, Policy, PolicyPreview, PolicyRow, Severity } from "../../api/types";
import { usePrefs } from "../../lib/prefs";
import { dateTime } from "../../lib/time";
import { duration } from "../../lib/units";
import { Icon } from "../../ui/Icon";
import { notify } from "../../ui/toast";
import css from "./events.module.css";
import { condition, draftOf, fresh, missing, policyOf, verdictOf, type Condition, type Draft } from "./policy";
import { GROUPS, SEVERITIES, severityWord } from "./words";

type Set = <K extends keyof Draft>(name: K, value: Draft[K]) => void;

const AGAINST = [{ value: "value", label: "is" }, { value: "change_1d", label: "% against yesterday" }, { value: "change_7d", label: "% against a week ago" }];
const WINDOWS = [{ value: "now-1d", label: "a day" }, { value: "now-7d", label: "a week" }, { value: "now-28d", label: "four weeks" }];
const MOST = 8;

interface ConditionProps {
  one: Condition;
  catalogue: Catalogue | undefined;
  change: (values: Partial<Condition>) => void;
  remove: (() => void) | undefined;
}

function ConditionRow({ one, catalogue, change, remove }: ConditionProps) {
  const dataset = catalogue?.datasets.find((known) => known.name === one.dataset);
  return (
    <div className={css.condition} role="group" aria-label={`Condition ${one.name}`}>
      <TextInput label="Name" value={one.name} maxLength={20} onChange={(event) => change({ name: event.target.value })} />
      <NativeSelect label="Of" value={one.dataset} onChange={(event) => change({ dataset: event.target.value, measure: catalogue?.datasets.find((known) => known.name === event.target.value)?.default_measure ?? "" })} data={(catalogue?.datasets ?? []).map((known) => ({ value: known.name, label: known.title }))} />
      <Autocomplete label="Measure" value={one.measure} onChange={(value) => change({ measure: value })} data={(dataset?.measures ?? []).map((known) => known.name)} />
      <TextInput label="Where" placeholder="everything" value={one.filter} onChange={(event) => change({ filter: event.target.value })} />
      <NativeSelect label="Its" value={one.against} onChange={(event) => change({ against: event.target.value as Condition["against"] })} data={[{ value: "value", label: "value" }, ...AGAINST.slice(1)]} />
      <NativeSelect label="Is" value={one.op} onChange={(event) => change({ op: event.target.value as Condition["op"] })} data={[">", ">=", "<", "<="]} />
      <TextInput label="Than" placeholder="2.5G" value={one.threshold} onChange={(event) => change({ threshold: event.target.value })} />
      {remove && <ActionIcon variant="subtle" size="lg" aria-label={`Remove condition ${one.name}`} onClick={remove}><Icon name="trash" size={14} /></ActionIcon>}
    </div>
  );
}

/** Where in the window it would have fired. */
function Lane({ preview }: { preview: PolicyPreview }) {
  const { since, until } = preview.window;
  const place = (at: number): number => (100 * Math.max(0, Math.min(at, until) - since)) / (until - since);
  return (
    <div className={css.lane} aria-hidden>
      {preview.spells.map((one) => <i key={one.series + one.fired_s} style={{ left: `${place(one.fired_s)}%`, width: `${Math.max(0.2, place(one.ended_s ?? until) - place(one.fired_s))}%` }} />)}
    </div>
  );
}

function Preview({ draft }: { draft: Draft }) {
  const { zone } = usePrefs();
  const [since, setSince] = useState("now-7d");
  const asked = useDeferredValue(JSON.stringify(policyOf({ ...draft, name: "preview", description: "", severity: "info" })));
  const lacks = missing(draft);
  const answer = useQuery<PolicyPreview>({
    queryKey: ["preview", since, asked], enabled: lacks === "", staleTime: 60_000, retry: false, placeholderData: (old) => old,
    queryFn: ({ signal }) => call<PolicyPreview>(`policies/preview?${new URLSearchParams({ since })}`, { body: JSON.parse(asked), signal }),
  });
  return (
    <section className={css.preview} aria-label="How often it would have fired" aria-live="polite">
      <div className={css.formEnd}>
        <b>{lacks || (answer.isError ? "" : answer.data ? verdictOf(answer.data) : "Looking back…")}</b>
        <NativeSelect size="xs" aria-label="Looking back over" value={since} onChange={(event) => setSince(event.target.value)} data={WINDOWS} />
      </div>
      {!lacks && answer.isError && <p className={css.error} role="alert">{answer.error.message}</p>}
      {!lacks && answer.data && answer.data.total > 0 && <Lane preview={answer.data} />}
      {!lacks && answer.data && answer.data.spells.slice(0, 4).map((one) => (
        <p key={one.series + one.fired_s} className="muted">{dateTime(one.fired_s, zone)} · {one.series}{one.ended_s === null ? " · still on" : ` · ${duration(one.ended_s - one.started_s)}`}</p>
      ))}
      {!lacks && answer.data?.note && <p className="faint">{answer.data.note}</p>}
    </section>
  );
}

const Seconds = ({ label, name, draft, set }: { label: string; name: "for_s" | "clear_s" | "step_s"; draft: Draft; set: Set }) => (
  <NumberInput label={label} value={draft[name]} min={name === "step_s" ? 10 : 0} max={86400} suffix=" s" hideControls onChange={(value) => set(name, Number(value) || 0)} />
);

/** Writes a policy, and says beforehand how often it would have fired. */
export default function PolicyForm({ policy, close }: { policy?: Policy | undefined; close: () => void }) {
  const catalogue = useCatalogue();
  const [draft, setDraft] = useState<Draft>(() => (policy ? draftOf(policy) : fresh()));
  const set: Set = (name, value) => setDraft((old) => ({ ...old, [name]: value }));
  const setCondition = (place: number, values: Partial<Condition>): void => set("conditions", draft.conditions.map((one, index) => (index === place ? { ...one, ...values } : one)));
  const path = policy ? `policy?${new URLSearchParams({ name: policy.name })}` : "policies";
  const save = useChange((body: Policy) => call<PolicyRow>(path, { method: policy ? "PUT" : "POST", body }), "policies");
  const remove = useChange(() => call(path, { method: "DELETE" }), "policies");
  const lacks = draft.name.trim() ? missing(draft) : "It needs a name.";
  const send = (): void => save.mutate(policyOf(draft), { onSuccess: () => { notify("good", `“${draft.name.trim()}” is judged from now on`); close(); } });
  const error = save.error ?? remove.error;
  return (
    <Modal opened onClose={close} title={policy ? `Change “${policy.name}”` : "New policy"} size={1080}>
      <form className={css.form} onSubmit={(event) => { event.preventDefault(); send(); }}>
        <div className={css.fields}>
          <TextInput label="Name" required data-autofocus maxLength={80} placeholder="Backbone above 60%" value={draft.name} onChange={(event) => set("name", event.target.value)} />
          <NativeSelect label="Severity" value={draft.severity} onChange={(event) => set("severity", event.target.value as Severity)} data={SEVERITIES.map((one) => ({ value: one, label: severityWord(one) }))} />
          <NativeSelect label="Family" value={draft.group} onChange={(event) => set("group", event.target.value as EventGroup)} data={Object.entries(GROUPS).map(([value, label]) => ({ value, label }))} />
          <TextInput label="For each" placeholder="all together" value={draft.by} onChange={(event) => set("by", event.target.value)} />
        </div>
        {draft.conditions.map((one, index) => (
          <ConditionRow key={index} one={one} catalogue={catalogue.data} change={(values) => setCondition(index, values)} remove={draft.conditions.length > 1 ? () => set("conditions", draft.conditions.filter((_, place) => place !== index)) : undefined} />
        ))}
        <div className={css.fields}>
          <TextInput label="When" placeholder={draft.conditions.map((one) => one.name).join(" and ")} value={draft.when} onChange={(event) => set("when", event.target.value)} />
          <Seconds label="Holds for" name="for_s" draft={draft} set={set} /><Seconds label="Over once it has not for" name="clear_s" draft={draft} set={set} /><Seconds label="Judged every" name="step_s" draft={draft} set={set} />
        </div>
        <div className={css.actions}>
          {draft.conditions.length < MOST && <Button size="compact-sm" variant="default" leftSection={<Icon name="plus" size={12} />} onClick={() => set("conditions", [...draft.conditions, condition(draft.conditions.map((one) => one.name))])}>Add a condition</Button>}
        </div>
        <Preview draft={draft} />
        <Textarea label="What to do about it" autosize minRows={2} maxLength={2000} placeholder="Shown with each event." value={draft.description} onChange={(event) => set("description", event.target.value)} />
        <Switch label="It is judged" checked={draft.enabled} onChange={(event) => set("enabled", event.target.checked)} />
        {error && <p className={css.error} role="alert">{error.message}</p>}
        <div className={css.formEnd}>
          {policy ? <Button variant="subtle" color="red" loading={remove.isPending} onClick={() => remove.mutate(undefined, { onSuccess: close })}>Remove</Button> : <span className="faint">{lacks}</span>}
          <Button variant="default" onClick={close}>Cancel</Button>
          <Button type="submit" loading={save.isPending} disabled={lacks !== ""}>{policy ? "Save" : "Add policy"}</Button>
        </div>
      </form>
    </Modal>
  );
}
