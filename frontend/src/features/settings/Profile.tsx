import { Button, PasswordInput, SegmentedControl } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../../api/client";
import { useSession } from "../../app/session";
import { setPref, usePrefs, type Prefs } from "../../lib/prefs";
import { Panel } from "../../ui/Panel";
import { notify } from "../../ui/toast";
import css from "./settings.module.css";

const SHORTEST = 10;

function Password() {
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const change = useMutation({ mutationFn: () => call("auth/password", { body: { current, new: next } }) });
  const differ = again !== "" && again !== next;
  const submit = (): void => change.mutate(undefined, {
    onSuccess: () => {
      notify("good", "Password changed; your other sessions have ended");
      setCurrent("");
      setNext("");
      setAgain("");
    },
  });
  return (
    <form className={css.form} onSubmit={(event) => { event.preventDefault(); submit(); }}>
      <PasswordInput label="Current password" autoComplete="current-password" required value={current} onChange={(event) => setCurrent(event.target.value)} error={change.error?.message} />
      <PasswordInput label="New password" autoComplete="new-password" required minLength={SHORTEST} value={next} onChange={(event) => setNext(event.target.value)} description={`At least ${SHORTEST} characters`} />
      <PasswordInput label="New password again" autoComplete="new-password" required value={again} onChange={(event) => setAgain(event.target.value)} error={differ ? "The two differ" : undefined} />
      <div><Button type="submit" loading={change.isPending} disabled={!current || next.length < SHORTEST || next !== again}>Change password</Button></div>
    </form>
  );
}

export default function Profile() {
  const { user } = useSession();
  const { scheme, zone } = usePrefs();
  return (
    <div className={`${css.stack} ${css.narrow}`}>
      <Panel title={user?.username} hint={user?.role}>
        <dl className={css.facts} style={{ alignItems: "center" }}>
          <dt id="scheme">Theme</dt>
          <dd>
            <SegmentedControl
              size="xs" aria-labelledby="scheme" value={scheme} onChange={(value) => setPref("scheme", value as Prefs["scheme"])}
              data={[{ value: "dark", label: "Dark" }, { value: "light", label: "Light" }, { value: "auto", label: "Like the system" }]}
            />
          </dd>
          <dt id="zone">Times</dt>
          <dd>
            <SegmentedControl
              size="xs" aria-labelledby="zone" value={zone} onChange={(value) => setPref("zone", value as Prefs["zone"])}
              data={[{ value: "local", label: "Local" }, { value: "utc", label: "UTC" }]}
            />
          </dd>
        </dl>
      </Panel>
      <Panel title="Password"><Password /></Panel>
    </div>
  );
}
