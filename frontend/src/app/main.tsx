import "../theme/styles";
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError } from "../api/client";
import { usePrefs } from "../lib/prefs";
import { resolver, theme } from "../theme/mantine";
import { App } from "./App";
import { SessionProvider } from "./session";

/** Worth another try: the server was away or busy. What it refused it would refuse again. */
const retriable = (error: unknown): boolean => error instanceof ApiError && (error.status === 0 || error.status === 503);

const client = new QueryClient({
  defaultOptions: { queries: { retry: (count, error) => count < 3 && retriable(error), refetchOnWindowFocus: false } },
});

/** The scheme is ours (prefs, and public/theme.js before the first paint); Mantine only follows it. */
const noManager = {
  get: () => "auto" as const, set: () => undefined, subscribe: () => undefined, unsubscribe: () => undefined, clear: () => undefined,
};

function Root() {
  const { scheme } = usePrefs();
  return (
    <MantineProvider
      theme={theme} cssVariablesResolver={resolver} defaultColorScheme="auto" colorSchemeManager={noManager}
      {...(scheme === "auto" ? {} : { forceColorScheme: scheme })}
    >
      <QueryClientProvider client={client}>
        <SessionProvider>
          <App />
        </SessionProvider>
      </QueryClientProvider>
    </MantineProvider>
  );
}

const root = document.getElementById("root");
if (root) createRoot(root).render(<StrictMode><Root /></StrictMode>);
