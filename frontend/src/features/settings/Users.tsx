import { Button, Select, TextInput } from "@mantine/core";
import { useMemo, useState } from "react";
import { call } from "../../api/client";
import { useChange, useGet } from "../../api/queries";
import type { Role, User, UserCreated } from "../../api/types";
import { useSession } from "../../app/session";
import { usePrefs } from "../../lib/prefs";
import { dateTime } from "../../lib/time";
import { Answer } from "../../ui/Answer";
import { DataTable, type Column } from "../../ui/DataTable";
import { Panel } from "../../ui/Panel";
import { notify } from "../../ui/toast";
import { ConfirmDelete } from "./Confirm";
import { Secret } from "./Secret";
import css from "./settings.module.css";

const ROLES: readonly { value: Role; label: string }[] = [
  { value: "viewer", label: "Viewer: sees everything" },
  { value: "operator", label: "Operator: shares and reloads too" },
  { value: "admin", label: "Admin: manages people too" },
];
const failed = (error: Error): void => notify("bad", error.message);
const roleOf = (text: string | null): Role => ROLES.find((one) => one.value === text)?.value ?? "viewer";

function NewUser({ made }: { made: (user: UserCreated) => void }) {
  const [username, setUsername] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const create = useChange((body: { username: string; role: Role }) => call<UserCreated>("users", { body }), "users");
  const submit = (): void => create.mutate({ username: username.trim(), role }, { onSuccess: (user) => { setUsername(""); made(user); } });
  return (
    <form className={css.row} onSubmit={(event) => { event.preventDefault(); submit(); }}>
      <TextInput label="User name" required maxLength={64} value={username} onChange={(event) => setUsername(event.target.value)} error={create.error?.message} />
      <Select label="Role" w={260} value={role} data={[...ROLES]} onChange={(value) => setRole(roleOf(value))} />
      <Button type="submit" loading={create.isPending} disabled={!username.trim()}>Add</Button>
    </form>
  );
}

export default function Users() {
  const { user: me } = useSession();
  const { zone } = usePrefs();
  const users = useGet<User[]>("users");
  const [made, setMade] = useState<UserCreated>();
  const { mutate: remove } = useChange((id: number) => call(`users/${id}`, { method: "DELETE" }), "users");
  const { mutate: change } = useChange(({ id, role }: { id: number; role: Role }) => call(`users/${id}`, { method: "PUT", body: { role } }), "users");
  const columns = useMemo<Column<User>[]>(() => [
    { key: "name", title: "Name", sort: (one) => one.username, render: (one) => one.username },
    {
      key: "role", title: "Role",
      render: (one) => (one.username === me?.username
        ? one.role
        : <Select size="xs" w={240} aria-label={`Role of ${one.username}`} value={one.role} data={[...ROLES]} onChange={(value) => change({ id: one.id, role: roleOf(value) }, { onError: failed })} />),
    },
    { key: "created", title: "Added", sort: (one) => one.created, render: (one) => dateTime(one.created, zone) },
    {
      key: "delete", title: <span className="visually-hidden">Remove</span>, numeric: true,
      render: (one) => one.username !== me?.username && (
        <ConfirmDelete label={`Remove ${one.username}`} question={`Remove ${one.username}?`} consequence="Their sessions, tokens and saved views go with them." act={() => remove(one.id, { onError: failed })} />
      ),
    },
  ], [zone, me, remove, change]);
  return (
    <div className={css.stack}>
      <Panel title="Add a person" hint="a password is generated and shown once">
        {made?.password && <Secret label={`Password of ${made.username}`} value={made.password} />}
        <NewUser made={setMade} />
      </Panel>
      <Panel title="People" flush>
        <Answer of={users} rows={3}>{(rows) => <DataTable columns={columns} rows={rows} rowKey={(one) => String(one.id)} caption="People" />}</Answer>
      </Panel>
    </div>
  );
}
