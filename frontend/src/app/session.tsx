/** Who is logged in. A lost session leads to the login page and, after it, back to where the person was. */
import { useQueryClient } from "@tanstack/react-query";
import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from "react";
import { call, onLostSession, setCsrf } from "../api/client";
import { disconnect } from "../api/live";
import type { Health, Me } from "../api/types";

interface Session {
  /** null = nobody is logged in; undefined = not known yet. */
  user: Me | null | undefined;
  health: Health | undefined;
  login: (username: string, password: string) => Promise<void>;
  logout: () => Promise<void>;
}

const Context = createContext<Session | null>(null);

export function SessionProvider({ children }: { children: ReactNode }) {
  const [user, setUser] = useState<Me | null | undefined>(undefined);
  const [health, setHealth] = useState<Health>();
  const client = useQueryClient();

  const enter = useCallback((found: Me) => {
    setCsrf(found.csrf);
    setUser(found);
  }, []);

  useEffect(() => {
    call<Health>("health").then(setHealth, () => undefined);
    call<Me>("auth/me").then(enter, () => setUser(null));
    return onLostSession(() => setUser(null));
  }, [enter]);

  const login = useCallback(async (username: string, password: string) => {
    enter(await call<Me>("auth/login", { body: { username, password } }));
  }, [enter]);

  const logout = useCallback(async () => {
    await call("auth/logout", { method: "POST" });
    disconnect();
    client.clear();
    setUser(null);
  }, [client]);

  const value = useMemo(() => ({ user, health, login, logout }), [user, health, login, logout]);
  return <Context value={value}>{children}</Context>;
}

export function useSession(): Session {
  const session = useContext(Context);
  if (!session) throw new Error("useSession outside SessionProvider");
  return session;
}
