import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef, useState, type CSSProperties, type KeyboardEvent, type ReactNode } from "react";
import { Icon } from "./Icon";
import css from "./DataTable.module.css";

export interface Column<R> {
  key: string;
  title: ReactNode;
  /** Numbers stand right and tabular. */
  numeric?: boolean;
  mono?: boolean;
  width?: string;
  hint?: string | undefined;
  render: (row: R) => ReactNode;
  /** Sortable if given; null sorts last. */
  sort?: (row: R) => number | string | null;
}

interface DataTableProps<R> {
  columns: readonly Column<R>[];
  rows: readonly R[];
  rowKey: (row: R) => string;
  caption: string;
  initialSort?: { key: string; ascending: boolean };
  maxHeight?: number;
  /** Pixels, where a row holds more than one line. */
  rowHeight?: number;
  onPick?: ((row: R) => void) | undefined;
  onHover?: ((row: R | null) => void) | undefined;
  /** Row to show as hovered, e.g. because its line in the chart is. */
  marked?: string | null | undefined;
  /** Rows that always stay below, such as the remainder. */
  pinned?: (row: R) => boolean;
  empty?: ReactNode;
}

const ROW = 33;
const VIRTUAL_FROM = 150;

type Sort = { key: string; ascending: boolean } | undefined;

function compare(one: number | string | null, other: number | string | null, ascending: boolean): number {
  if (one === null || other === null) return one === other ? 0 : one === null ? 1 : -1;
  const order = typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other), "en", { numeric: true });
  return ascending ? order : -order;
}

function useSorted<R>(rows: readonly R[], columns: readonly Column<R>[], sort: Sort, pinned?: (row: R) => boolean): readonly R[] {
  return useMemo(() => {
    const by = columns.find((column) => column.key === sort?.key)?.sort;
    if (!by || !sort) return rows;
    const below = (row: R): number => (pinned?.(row) ? 1 : 0);
    return rows.toSorted((one, other) => below(one) - below(other) || compare(by(one), by(other), sort.ascending));
  }, [rows, columns, sort, pinned]);
}

/** Arrow keys move between rows, Enter picks; focus stays on real rows so that screen readers follow. */
function moveFocus(event: KeyboardEvent<HTMLTableRowElement>): void {
  const row = event.currentTarget;
  const target = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling }[event.key];
  if (target instanceof HTMLElement && target.tabIndex >= 0) {
    event.preventDefault();
    target.focus();
  }
}

export function DataTable<R>(props: DataTableProps<R>) {
  const { columns, rows, rowKey, caption, maxHeight, pinned, empty } = props;
  const [sort, setSort] = useState<Sort>(props.initialSort);
  const sorted = useSorted(rows, columns, sort, pinned);
  const box = useRef<HTMLDivElement>(null);
  const virtual = sorted.length > VIRTUAL_FROM;
  const virtualizer = useVirtualizer({ count: virtual ? sorted.length : 0, getScrollElement: () => box.current, estimateSize: () => props.rowHeight ?? ROW, overscan: 12 });
  const items = virtualizer.getVirtualItems();
  const shown = virtual ? items.map((item) => sorted[item.index]).filter((row): row is R => row !== undefined) : sorted;
  const above = virtual ? (items[0]?.start ?? 0) : 0;
  const below = virtual ? virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0) : 0;
  const toggle = (key: string): void => setSort((now) => ({ key, ascending: now?.key === key ? !now.ascending : false }));

  return (
    <div ref={box} className={css.scroll} style={{ maxHeight: maxHeight ?? (virtual ? 560 : undefined) }} tabIndex={0} role="region" aria-label={caption}>
      <table className={css.table} style={props.rowHeight ? { "--row-height": `${props.rowHeight}px` } as CSSProperties : undefined} aria-rowcount={rows.length}>
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>{columns.map((column) => <HeaderCell key={column.key} column={column} sort={sort} toggle={toggle} />)}</tr>
        </thead>
        <tbody>
          {above > 0 && <tr style={{ height: above }} aria-hidden />}
          {shown.map((row) => <BodyRow key={rowKey(row)} id={rowKey(row)} row={row} {...props} />)}
          {below > 0 && <tr style={{ height: below }} aria-hidden />}
        </tbody>
      </table>
      {rows.length === 0 && (empty ?? <p className={css.empty}>Nothing here</p>)}
    </div>
  );
}

function HeaderCell<R>({ column, sort, toggle }: { column: Column<R>; sort: Sort; toggle: (key: string) => void }) {
  const active = sort?.key === column.key;
  const order = active ? (sort.ascending ? "ascending" : "descending") : undefined;
  return (
    <th scope="col" data-numeric={column.numeric || undefined} style={{ width: column.width }} aria-sort={order} title={column.hint}>
      {column.sort ? (
        <button type="button" onClick={() => toggle(column.key)}>
          {column.title}
          <Icon name={active && sort.ascending ? "up" : "down"} size={11} strokeWidth={2.4} className={active ? css.active : css.inactive} />
        </button>
      ) : column.title}
    </th>
  );
}

function BodyRow<R>({ id, row, columns, onPick, onHover, marked, pinned }: DataTableProps<R> & { id: string; row: R }) {
  const onKeyDown = (event: KeyboardEvent<HTMLTableRowElement>): void => {
    moveFocus(event);
    if (event.key === "Enter" && event.target === event.currentTarget) onPick?.(row);
  };
  return (
    <tr
      data-marked={marked === id || undefined} data-pinned={pinned?.(row) || undefined} data-pickable={onPick ? true : undefined}
      tabIndex={onPick ? 0 : undefined} onKeyDown={onPick ? onKeyDown : undefined} onClick={onPick ? () => onPick(row) : undefined}
      onMouseEnter={onHover ? () => onHover(row) : undefined} onMouseLeave={onHover ? () => onHover(null) : undefined}
    >
      {columns.map((column) => (
        <td key={column.key} data-numeric={column.numeric || undefined} data-mono={column.mono || undefined}>{column.render(row)}</td>
      ))}
    </tr>
  );
}
