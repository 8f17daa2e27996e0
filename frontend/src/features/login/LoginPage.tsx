import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useState } from "react";
import { ApiError } from "../../api/client";
import { useSession } from "../../app/session";
import { Logo } from "../../ui/Icon";
import { DemoBadge } from "../../ui/Status";
import css from "./LoginPage.module.css";

export default function LoginPage() {
  const { login, health } = useSession();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await login(username, password);
    } catch (failure) {
      const known = failure instanceof ApiError ? failure : null;
      setError(known ? [known.message, known.fix].filter(Boolean).join(". ") : String(failure));
      setBusy(false);
    }
  };

  return (
    <main className={css.page}>
      <form className={css.card} onSubmit={(event) => { event.preventDefault(); void submit(); }}>
        <div className={css.brand}><Logo size={34} /><h1>Weft</h1>{health?.demo && <DemoBadge />}</div>
        <p className="muted">Your network, from a datagram to an answer.</p>
        <TextInput label="User name" autoComplete="username" required value={username} onChange={(event) => setUsername(event.target.value)} />
        <PasswordInput label="Password" autoComplete="current-password" required value={password} onChange={(event) => setPassword(event.target.value)} />
        {error && <p className={css.error} role="alert">{error}</p>}
        <Button type="submit" loading={busy} fullWidth size="md">Log in</Button>
        <p className={css.help}>
          First start? The user is <code>admin</code>; its generated password was printed in the terminal and stands in <code>initial-admin-password</code> in the data directory.
        </p>
      </form>
      {health && <p className={css.version}>Weft {health.version}</p>}
    </main>
  );
}
