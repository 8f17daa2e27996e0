import { Popover } from "@mantine/core";
import { useState, type DragEvent, type KeyboardEvent } from "react";
import type { Dataset, Dimension } from "../../api/types";
import { Icon } from "../../ui/Icon";
import css from "./controls.module.css";

type Family = Dataset["families"][number];

interface DimensionPickerProps {
  dimensions: readonly Dimension[];
  /** Dimensions that are named by who asks, as `label_queue`. */
  families?: readonly Family[];
  value: readonly string[];
  max: number;
  onChange: (by: string[]) => void;
}

/** The list with the item at `from` standing at `to`. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const out = [...list];
  const [item] = out.splice(from, 1);
  if (item !== undefined) out.splice(Math.max(0, Math.min(to, out.length)), 0, item);
  return out;
}

export function grouped(dimensions: readonly Dimension[], text: string): [group: string, members: Dimension[]][] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const groups = new Map<string, Dimension[]>();
  for (const one of dimensions) {
    const hay = `${one.title} ${one.name} ${one.group} ${one.meaning}`.toLowerCase();
    if (!one.groupable || !words.every((word) => hay.includes(word))) continue;
    groups.set(one.group, [...(groups.get(one.group) ?? []), one]);
  }
  return [...groups];
}

/** The dimension of a family that the text names: `label_queue`, `label.queue`; null where it names none. */
export function ofFamily(text: string, families: readonly Family[]): string | null {
  const typed = text.trim();
  const family = families.find((one) => new RegExp(`^${one.prefix}[_.][A-Za-z_][\\w:.-]*$`, "i").test(typed));
  return family ? `${family.prefix}_${typed.slice(family.prefix.length + 1)}` : null;
}

interface ChipProps {
  name: string;
  title: string;
  index: number;
  move: (from: number, to: number) => void;
  remove: () => void;
}

function Chip({ name, title, index, move, remove }: ChipProps) {
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Backspace" || event.key === "Delete") remove();
    else if (event.altKey && event.key === "ArrowLeft") move(index, index - 1);
    else if (event.altKey && event.key === "ArrowRight") move(index, index + 1);
    else return;
    event.preventDefault();
  };
  const onDrop = (event: DragEvent): void => {
    event.preventDefault();
    move(Number(event.dataTransfer.getData("text/weft-chip")), index);
  };
  return (
    <li
      className={css.chip} draggable onDragStart={(event) => event.dataTransfer.setData("text/weft-chip", String(index))}
      onDragOver={(event) => event.preventDefault()} onDrop={onDrop} data-dimension={name}
    >
      <button type="button" className={css.chipName} onKeyDown={onKeyDown} title="Drag or Alt+arrows to reorder, Backspace to remove">{title}</button>
      <button type="button" className={css.chipClose} onClick={remove} aria-label={`Remove ${title}`}><Icon name="close" size={11} strokeWidth={2.4} /></button>
    </li>
  );
}

function Choices({ dimensions, families = [], value, max, onChange }: DimensionPickerProps) {
  const [text, setText] = useState("");
  const groups = grouped(dimensions, text);
  const own = ofFamily(text, families);
  const toggle = (name: string): void => {
    if (value.includes(name)) onChange(value.filter((one) => one !== name));
    else onChange(value.length >= max ? [...value.slice(0, max - 1), name] : [...value, name]);
  };
  return (
    <div className={css.choices}>
      <div className={css.search}>
        <Icon name="search" size={14} />
        <input
          data-autofocus value={text} placeholder="Search dimensions" aria-label="Search dimensions" onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            const first = own ?? groups[0]?.[1][0]?.name;
            if (event.key === "Enter" && first) {
              toggle(first);
              setText("");
            }
          }}
        />
      </div>
      <div className={css.groups}>
        {groups.map(([group, members]) => (
          <section key={group} aria-label={group}>
            <h3>{group}</h3>
            {members.map((one) => (
              <button key={one.name} type="button" aria-pressed={value.includes(one.name)} title={one.meaning} onClick={() => toggle(one.name)}>
                <span>{one.title}</span>
                {one.raw_only && <em title="Only raw records hold it: slower, and no further back than they are kept">raw</em>}
                {value.includes(one.name) && <Icon name="check" size={13} />}
              </button>
            ))}
          </section>
        ))}
        {own && <section aria-label="As named"><h3>As named</h3><button type="button" aria-pressed={value.includes(own)} onClick={() => { toggle(own); setText(""); }}><span>{own}</span></button></section>}
        {!own && text === "" && families.map((one) => <section key={one.prefix}><h3>{one.prefix}_…</h3><p className="faint">{one.meaning} Type its name.</p></section>)}
        {groups.length === 0 && !own && <p className="faint">No dimension is called that</p>}
      </div>
    </div>
  );
}

export function DimensionPicker(props: DimensionPickerProps) {
  const { dimensions, value, onChange } = props;
  const [open, setOpen] = useState(false);
  const title = (name: string): string => dimensions.find((one) => one.name === name)?.title ?? name;
  return (
    <div className={css.dimensions} role="group" aria-label="Dimensions">
      <span className={css.label}>By</span>
      <ul className={css.chips}>
        {value.map((name, index) => (
          <Chip
            key={name} name={name} title={title(name)} index={index} move={(from, to) => onChange(moved(value, from, to))}
            remove={() => onChange(value.filter((one) => one !== name))}
          />
        ))}
      </ul>
      {value.length === 0 && <span className="faint">everything together</span>}
      <Popover opened={open} onChange={setOpen} position="bottom-start" trapFocus returnFocus>
        <Popover.Target>
          <button type="button" className={css.add} onClick={() => setOpen(!open)} aria-haspopup="dialog" aria-expanded={open} aria-label="Add a dimension">
            <Icon name="plus" size={14} />
          </button>
        </Popover.Target>
        <Popover.Dropdown p={0} aria-label="Choose dimensions"><Choices {...props} /></Popover.Dropdown>
      </Popover>
    </div>
  );
}
