import { Button, Modal, NativeSelect, SegmentedControl, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { call } from "../../api/client";
import { useChange } from "../../api/queries";
import type { EventAnswer, Feedback, NewFeedback } from "../../api/types";
import { usePrefs } from "../../lib/prefs";
import { notify } from "../../ui/toast";
import css from "./events.module.css";
import { minuteOf, SCOPES, VERDICTS, WEEKDAYS } from "./words";

const FOR = [
  { value: "3600", label: "an hour" }, { value: "14400", label: "four hours" }, { value: "86400", label: "a day" }, { value: "604800", label: "a week" }, { value: "", label: "until it is withdrawn" },
];

interface Draft {
  verdict: NewFeedback["verdict"];
  scope: Feedback["scope"];
  for_s: string;
  weekday: string;
  from: string;
  to: string;
  zone: string;
  note: string;
}

/** What is wrong with it, in words; empty = it can be sent. */
export function problem(draft: Draft): string {
  if (draft.verdict === "snooze" && !draft.for_s) return "A snooze ends some time: say when.";
  if (draft.verdict !== "expected" || (!draft.from && !draft.to)) return "";
  const [from, to] = [minuteOf(draft.from), minuteOf(draft.to)];
  if (from === null || to === null) return "Write times as 09:30.";
  return from === to ? "The times are the same." : "";
}

export function body(draft: Draft): NewFeedback {
  const timed = draft.verdict === "expected";
  return {
    verdict: draft.verdict, scope: draft.scope, note: draft.note.trim(), for_s: draft.for_s ? Number(draft.for_s) : null,
    weekday: timed && draft.weekday ? Number(draft.weekday) : null, from_minute: timed && draft.from ? minuteOf(draft.from) : null, to_minute: timed && draft.to ? minuteOf(draft.to) : null, time_zone: draft.zone,
  };
}

/** Says of an event that it is none, that it is meant to be so, or that nobody wants to hear of it now. */
export default function FeedbackForm({ event, verdict, close }: { event: EventAnswer["event"]; verdict: NewFeedback["verdict"]; close: () => void }) {
  const { zone } = usePrefs();
  const here = zone === "utc" ? "UTC" : new Intl.DateTimeFormat().resolvedOptions().timeZone;
  const [draft, setDraft] = useState<Draft>({ zone: here, verdict, scope: "series", for_s: verdict === "snooze" ? "14400" : "", weekday: "", from: "", to: "", note: "" });
  const set = <K extends keyof Draft>(name: K, value: Draft[K]): void => setDraft((old) => ({ ...old, [name]: value }));
  const change = useChange((said: NewFeedback) => call<Feedback>(`events/${encodeURIComponent(event.id)}/feedback`, { body: said }), `events/${event.id}`, "feedback");
  const wrong = problem(draft);
  const send = (): void => change.mutate(body(draft), { onSuccess: (said) => { notify("good", `${VERDICTS[said.verdict]}: ${said.scope_text}`); close(); } });
  return (
    <Modal opened onClose={close} title="What is it?" size="lg">
      <form className={css.form} onSubmit={(submit) => { submit.preventDefault(); send(); }}>
        <SegmentedControl aria-label="Verdict" value={draft.verdict} onChange={(value) => set("verdict", value as Draft["verdict"])} data={[{ value: "not_an_issue", label: "Not an issue" }, { value: "expected", label: "Expected then" }, { value: "snooze", label: "Not now" }]} />
        <div className={css.fields}>
          <NativeSelect label="It holds of" value={draft.scope} onChange={(change_) => set("scope", change_.target.value as Draft["scope"])} data={SCOPES} />
          <NativeSelect label="For" value={draft.for_s} onChange={(change_) => set("for_s", change_.target.value)} data={FOR} />
        </div>
        {draft.verdict === "expected" && (
          <div className={css.fields}>
            <NativeSelect label="On" value={draft.weekday} onChange={(change_) => set("weekday", change_.target.value)} data={[{ value: "", label: "every day" }, ...WEEKDAYS.map((day, index) => ({ value: String(index), label: day }))]} />
            <TextInput label={`From (${here})`} placeholder="all day" value={draft.from} onChange={(change_) => set("from", change_.target.value)} />
            <TextInput label={`To (${here})`} placeholder="all day" value={draft.to} onChange={(change_) => set("to", change_.target.value)} />
          </div>
        )}
        <Textarea label="Why" placeholder="Whoever comes after you will ask." autosize minRows={2} maxLength={2000} value={draft.note} onChange={(change_) => set("note", change_.target.value)} />
        <p className="faint">Such events stay listed as suppressed, and it can be withdrawn at any time.</p>
        {change.isError && <p className={css.error} role="alert">{change.error.message}</p>}
        <div className={css.formEnd}>
          <span className="faint">{wrong}</span>
          <Button variant="default" onClick={close}>Cancel</Button>
          <Button type="submit" loading={change.isPending} disabled={wrong !== ""}>Say so</Button>
        </div>
      </form>
    </Modal>
  );
}
