import { Button, Select, TextInput } from "@mantine/core";
import { useMemo, useState } from "react";
import { call } from "../../api/client";
import { useChange, useGet } from "../../api/queries";
import type { Role, Token, TokenCreated } from "../../api/types";
import { useNow } from "../../app/time";
import { useSession } from "../../app/session";
import { usePrefs } from "../../lib/prefs";
import { ago, dateTime } from "../../lib/time";
import { Answer } from "../../ui/Answer";
import { DataTable, type Column } from "../../ui/DataTable";
import { Panel } from "../../ui/Panel";
import { notify } from "../../ui/toast";
import { ConfirmDelete } from "./Confirm";
import { Secret } from "./Secret";
import css from "./settings.module.css";

const ROLES: readonly Role[] = ["viewer", "operator", "admin"];
const LIVES = [{ value: "30", label: "30 days" }, { value: "90", label: "90 days" }, { value: "365", label: "1 year" }, { value: "", label: "No end" }];

function NewToken({ made }: { made: (token: TokenCreated) => void }) {
  const { user } = useSession();
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [days, setDays] = useState("90");
  const create = useChange((body: { name: string; role: Role; days: number | null }) => call<TokenCreated>("tokens", { body }), "tokens");
  const below = ROLES.slice(0, ROLES.indexOf(user?.role ?? "viewer") + 1);
  const allowed: readonly Role[] = below.length > 1 ? ["sender", ...below] : below; // who may only look may not let others push
  const submit = (): void => create.mutate({ name: name.trim(), role, days: days ? Number(days) : null }, {
    onSuccess: (token) => { setName(""); made(token); },
  });
  return (
    <form className={css.row} onSubmit={(event) => { event.preventDefault(); submit(); }}>
      <TextInput label="What it is for" required maxLength={100} value={name} onChange={(event) => setName(event.target.value)} placeholder="Grafana" error={create.error?.message} />
      <Select label="Role" w={130} value={role} data={[...allowed]} onChange={(value) => setRole(allowed.find((one) => one === value) ?? "viewer")} />
      <Select label="Ends after" w={130} value={days} data={LIVES} onChange={(value) => setDays(value ?? "")} />
      <Button type="submit" loading={create.isPending} disabled={!name.trim()}>Make a token</Button>
    </form>
  );
}

export default function Tokens() {
  const { zone } = usePrefs();
  const now = useNow(30);
  const tokens = useGet<Token[]>("tokens");
  const [made, setMade] = useState<TokenCreated>();
  const { mutate } = useChange((id: number) => call(`tokens/${id}`, { method: "DELETE" }), "tokens");
  const columns = useMemo<Column<Token>[]>(() => [
    { key: "name", title: "Name", sort: (one) => one.name, render: (one) => one.name },
    { key: "owner", title: "Owner", sort: (one) => one.owner, render: (one) => one.owner },
    { key: "role", title: "Role", render: (one) => one.role },
    { key: "created", title: "Made", sort: (one) => one.created, render: (one) => dateTime(one.created, zone) },
    { key: "used", title: "Last used", sort: (one) => one.last_used, render: (one) => (one.last_used ? ago(one.last_used, now) : "never") },
    { key: "expires", title: "Ends", sort: (one) => one.expires, render: (one) => (one.expires ? dateTime(one.expires, zone) : "never") },
    {
      key: "delete", title: <span className="visually-hidden">Revoke</span>, numeric: true,
      render: (one) => (
        <ConfirmDelete
          label={`Revoke ${one.name}`} question={`Revoke “${one.name}”?`} consequence="What uses it loses access at once."
          act={() => mutate(one.id, { onSuccess: () => notify("good", `“${one.name}” is revoked`) })}
        />
      ),
    },
  ], [zone, now, mutate]);
  return (
    <div className={css.stack}>
      <Panel title="New token" hint="for programs: send it as Authorization: Bearer …">
        {made && <Secret label={`Token “${made.name}”`} value={made.token} />}
        <NewToken made={setMade} />
      </Panel>
      <Panel title="Tokens" flush>
        <Answer of={tokens} rows={3}>{(rows) => <DataTable columns={columns} rows={rows} rowKey={(one) => String(one.id)} caption="API tokens" empty={<p className="table-foot">No token yet.</p>} />}</Answer>
      </Panel>
    </div>
  );
}
