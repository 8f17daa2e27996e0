/** Short notes at the lower edge; read out by screen readers, gone after a few seconds. */
import { useSyncExternalStore } from "react";
import css from "./toast.module.css";
import { StatusIcon, type Status } from "./Status";

interface Note {
  id: number;
  status: Status;
  text: string;
}

let notes: readonly Note[] = [];
let count = 0;
const listeners = new Set<() => void>();

function put(next: readonly Note[]): void {
  notes = next;
  for (const listener of listeners) listener();
}

export function notify(status: Status, text: string): void {
  const id = ++count;
  put([...notes.slice(-2), { id, status, text }]);
  setTimeout(() => put(notes.filter((note) => note.id !== id)), status === "bad" ? 8000 : 3500);
}

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export function Toasts() {
  const shown = useSyncExternalStore(subscribe, () => notes);
  return (
    <div className={css.toasts} role="status" aria-live="polite">
      {shown.map((note) => <div key={note.id}><StatusIcon status={note.status} />{note.text}</div>)}
    </div>
  );
}
