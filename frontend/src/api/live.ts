/** The one WebSocket of this tab. Topics are subscribed while somebody shows them; it reconnects with backing off. */
import { useCallback, useSyncExternalStore } from "react";

export type LiveState = "idle" | "connecting" | "live" | "lost";
type Listener = () => void;

const values = new Map<string, unknown>();
const watchers = new Map<string, Set<Listener>>();
const stateListeners = new Set<Listener>();
let socket: WebSocket | null = null;
let state: LiveState = "idle";
let attempt = 0;
let retry: ReturnType<typeof setTimeout> | undefined;
let closing: ReturnType<typeof setTimeout> | undefined;

function setState(next: LiveState): void {
  if (next === state) return;
  state = next;
  for (const listener of stateListeners) listener();
}

function announce(): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ subscribe: [...watchers.keys()] }));
}

function receive(event: MessageEvent<string>): void {
  const message = JSON.parse(event.data) as { topic?: string; data?: unknown };
  if (!message.topic) return;
  values.set(message.topic, message.data);
  for (const listener of watchers.get(message.topic) ?? []) listener();
}

function lost(this: WebSocket): void {
  if (socket !== this) return;
  socket = null;
  setState(watchers.size > 0 ? "lost" : "idle");
  if (watchers.size === 0) return;
  attempt += 1;
  retry = setTimeout(connect, Math.min(15_000, 500 * 2 ** attempt));
}

function connect(): void {
  clearTimeout(retry);
  if (socket || watchers.size === 0) return;
  if (state !== "lost") setState("connecting");
  const opened = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/live`);
  socket = opened;
  opened.addEventListener("open", () => {
    attempt = 0;
    setState("live");
    announce();
  });
  opened.addEventListener("message", receive);
  opened.addEventListener("close", lost);
}

function watch(topic: string, listener: Listener): () => void {
  clearTimeout(closing);
  const known = watchers.get(topic);
  const set = known ?? new Set<Listener>();
  set.add(listener);
  watchers.set(topic, set);
  if (!known) announce();
  connect();
  return () => {
    set.delete(listener);
    if (set.size > 0) return;
    watchers.delete(topic);
    values.delete(topic);
    announce();
    if (watchers.size === 0) closing = setTimeout(disconnect, 5_000);
  };
}

/** Closes the socket, as when the session ends. */
export function disconnect(): void {
  clearTimeout(retry);
  const open = socket;
  socket = null;
  open?.close();
  setState("idle");
}

/** The last value sent on a topic, or undefined before the first. */
export function useLive<T>(topic: string): T | undefined {
  const subscribe = useCallback((listener: Listener) => watch(topic, listener), [topic]);
  return useSyncExternalStore(subscribe, () => values.get(topic) as T | undefined);
}

export function useLiveState(): LiveState {
  return useSyncExternalStore((listener) => {
    stateListeners.add(listener);
    return () => stateListeners.delete(listener);
  }, () => state);
}
