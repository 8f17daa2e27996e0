import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useEffectEvent, useId, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { Icon } from "../../ui/Icon";
import { ChangeDetail, ChangeLine } from "./ChangeEntry";
import { cell, type Entry } from "./entries";
import css from "./feed.module.css";
import { LogDetail, LogLine, type EntryProps } from "./LogEntry";
import { severityTone } from "./words";

interface FeedListProps extends Omit<EntryProps, "entry"> {
  kind: "logs" | "changes";
  entries: readonly Entry[];
  label: string;
  wrap: boolean;
  /** UTC milliseconds of the entry that the link is about. */
  at: number | null;
  foot: ReactNode;
  /** The end of the list came into sight. */
  onEnd: () => void;
  onScrolled: (down: boolean) => void;
}

const LINE = 30;

function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const all = [...(event.currentTarget.closest("[role=list]")?.querySelectorAll<HTMLElement>("[data-toggle]") ?? [])];
  const next = all[all.indexOf(event.target as HTMLElement) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

function Item({ kind, open, toggle, ...props }: EntryProps & { kind: "logs" | "changes"; open: boolean; toggle: () => void }) {
  const id = useId();
  const { entry } = props;
  const [Line, Detail] = kind === "logs" ? [LogLine, LogDetail] : [ChangeLine, ChangeDetail];
  const pick = (): void => {
    if (!window.getSelection()?.toString()) toggle(); // marking text to copy it must not close it
  };
  return (
    <>
      <div className={`${css.head} ${kind === "logs" ? css.log : css.change}`} onClick={pick}>
        <button
          type="button" className={css.toggle} aria-expanded={open} aria-controls={open ? id : undefined} aria-label={`Details: ${(cell(entry, "message") || cell(entry, "title")).slice(0, 80)}`} data-toggle
          onKeyDown={moveFocus} onClick={(event) => { event.stopPropagation(); toggle(); }}
        >
          <Icon name="right" size={12} />
        </button>
        <Line {...props} />
      </div>
      {open && <div id={id}><Detail {...props} /></div>}
    </>
  );
}

/** Lines to be read: thousands of them cost no more than those in sight; a click opens one in its place. */
export function FeedList({ kind, entries, label, wrap, at, foot, onEnd, onScrolled, ...rest }: FeedListProps) {
  const box = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const virtualizer = useVirtualizer({
    count: entries.length + 1, getScrollElement: () => box.current, estimateSize: () => LINE, overscan: 14, getItemKey: (index) => entries[index]?.id ?? "foot",
  });
  const items = virtualizer.getVirtualItems();
  const atEnd = (items.at(-1)?.index ?? 0) >= entries.length;
  const ended = useEffectEvent(onEnd);
  useEffect(() => {
    if (atEnd && entries.length > 0) ended();
  }, [atEnd, entries.length]);

  const here = at === null ? -1 : entries.findIndex((entry) => entry.time === at);
  useEffect(() => {
    if (here >= 0) virtualizer.scrollToIndex(here, { align: "center" });
  }, [here, virtualizer]);

  const toggle = (id: string): void => setOpen((now) => {
    const next = new Set(now);
    if (!next.delete(id)) next.add(id);
    return next;
  });
  return (
    <div ref={box} className={css.list} data-wrap={wrap || undefined} tabIndex={0} role="region" aria-label={label} onScroll={(event) => onScrolled(event.currentTarget.scrollTop > LINE)}>
      <div className={css.inner} style={{ height: virtualizer.getTotalSize() }} role="list">
        {items.map((item) => {
          const entry = entries[item.index];
          const placed = { transform: `translateY(${item.start}px)` };
          if (!entry) return <div key="foot" ref={virtualizer.measureElement} data-index={item.index} className={css.entry} style={{ ...placed, borderBottom: 0 }} role="listitem">{foot}</div>;
          return (
            <div
              key={entry.id} ref={virtualizer.measureElement} data-index={item.index} className={css.entry} style={placed} role="listitem" aria-setsize={entries.length} aria-posinset={item.index + 1}
              data-tone={kind === "logs" ? severityTone(cell(entry, "severity")) : undefined} data-here={item.index === here || undefined}
            >
              <Item kind={kind} entry={entry} open={open.has(entry.id)} toggle={() => toggle(entry.id)} {...rest} />
            </div>
          );
        })}
      </div>
    </div>
  );
}
