import { Button, Menu } from "@mantine/core";
import { Link, useLocation } from "wouter";
import { devicePath, explorePath, pageOf } from "../../lib/links";
import { clockTime, type Zone } from "../../lib/time";
import { duration } from "../../lib/units";
import { CopyButton } from "../../ui/CodeBlock";
import { Icon } from "../../ui/Icon";
import layout from "../../ui/layout.module.css";
import { clause, type Part } from "../filter/clause";
import { cell, fieldsOf, label, marked, type Entry } from "./entries";
import { Facts, type Fact } from "./Facts";
import css from "./feed.module.css";
import { CLOCKS, severityTone, toneIcon } from "./words";

export interface EntryProps {
  entry: Entry;
  /** Words that were searched for. */
  words: readonly string[];
  zone: Zone;
  /** Whether the range is so wide that the day must be told. */
  days: boolean;
  narrow: (addition: string) => void;
}

export function Marked({ text, words }: { text: string; words: readonly string[] }) {
  return marked(text, words).map((piece, index) => (piece.hit ? <mark key={index}>{piece.text}</mark> : piece.text));
}

/** The device as people call it: by its name in the inventory, else as it calls itself. */
export const deviceOf = (entry: Entry): string => entry.labels["exporter"] ?? (cell(entry, "host") || cell(entry, "exporter"));

/** What names the device in a filter. */
export const devicePart = (entry: Entry): Part => {
  const address = cell(entry, "exporter");
  return address ? { field: "exporter", value: address } : { field: "host", value: cell(entry, "host") };
};

export function DeviceLink({ entry }: { entry: Entry }) {
  const name = deviceOf(entry);
  return name ? <Link className={css.cell} title={name} href={devicePath(name)} onClick={(event) => event.stopPropagation()}>{name}</Link> : <span className={css.cell}>–</span>;
}

export function LogLine({ entry, words, zone, days }: EntryProps) {
  const severity = cell(entry, "severity");
  const tone = severityTone(severity);
  const program = cell(entry, "program");
  return (
    <>
      <time dateTime={new Date(entry.time).toISOString()}>{clockTime(entry.time, zone, days)}</time>
      <span className={css.word} data-tone={tone}>{(tone === "bad" || tone === "warn") && <Icon name={toneIcon(tone)} size={13} />}{severity}</span>
      <DeviceLink entry={entry} />
      <span className={`${css.cell} ${css.wide}`} title={program}>{program}</span>
      <span className={css.message}>
        {cell(entry, "event") && <span className={css.event}>{cell(entry, "event")}</span>}
        <Marked text={cell(entry, "message")} words={words} />
      </span>
    </>
  );
}

const away = (millis: number, what: string, otherwise: string): string =>
  Math.abs(millis) < 1 ? "at once" : `${duration(Math.abs(millis) / 1000)} ${millis > 0 ? what : otherwise}`;

function times(entry: Entry, zone: Zone): Fact[] {
  const clock = cell(entry, "clock");
  const out: Fact[] = [{ name: "Happened", shown: clockTime(entry.time, zone, true) }];
  if (entry.received !== null) out.push({ name: "Arrived", shown: `${clockTime(entry.received, zone, true)} (${away(entry.received - entry.time, "later", "earlier")})` });
  if (entry.stamped !== null && entry.received !== null) {
    out.push({ name: "Device's stamp", shown: `${clockTime(entry.stamped, zone, true)} (${away(entry.received - entry.stamped, "before arrival", "after arrival")})` });
  }
  if (clock) out.push({ name: "Clock", shown: <span title={CLOCKS[clock]}>{clock}: {CLOCKS[clock]?.toLowerCase()}</span>, by: { field: "clock", value: clock } });
  return out;
}

const COLUMNS: readonly [column: string, name: string][] = [
  ["exporter", "Device"], ["host", "Host"], ["severity", "Severity"], ["facility", "Facility"], ["program", "Program"], ["process_id", "Process"], ["message_id", "Message id"],
  ["event", "Event"], ["component", "Component"], ["source", "Came by"],
];

function facts(entry: Entry): Fact[] {
  const plain = COLUMNS.flatMap(([column, name]): Fact[] => {
    const value = cell(entry, column);
    return value ? [{ name, shown: label(entry, column), by: { field: column, value } }] : [];
  });
  const port = cell(entry, "interface");
  const page = pageOf("interface", label(entry, "interface"));
  if (page) plain.push({ name: "Interface", shown: <Link href={page}>{label(entry, "interface")}</Link>, by: { field: "interface", value: port } });
  return plain;
}

const AROUND = [1, 5, 15] as const;

function Context({ entry }: { entry: Entry }) {
  const [, navigate] = useLocation();
  const show = (minutes: number): void => {
    const at = entry.time / 1000;
    const kept = `?since=${Math.floor(at - minutes * 60)}&until=${Math.ceil(at + minutes * 60)}&at=${entry.time}`;
    navigate(explorePath({ dataset: "logs", filter: clause([devicePart(entry)]) }, kept));
  };
  return (
    <Menu position="bottom-start">
      <Menu.Target><Button size="compact-sm" variant="default" leftSection={<Icon name="clock" size={13} />}>Around it</Button></Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>What the device said</Menu.Label>
        {AROUND.map((minutes) => <Menu.Item key={minutes} onClick={() => show(minutes)}>±{minutes} min</Menu.Item>)}
      </Menu.Dropdown>
    </Menu>
  );
}

export function LogDetail({ entry, words, zone, narrow }: EntryProps) {
  const template = cell(entry, "template");
  const fields = fieldsOf(cell(entry, "fields"));
  return (
    <div className={css.detail}>
      <pre className={css.full}><Marked text={cell(entry, "message")} words={words} /></pre>
      <div className={layout.tools}>
        {template && <Button size="compact-sm" variant="default" leftSection={<Icon name="filter" size={13} />} title={template} onClick={() => narrow(clause([{ field: "template", value: template }]))}>Messages like this</Button>}
        <Context entry={entry} />
        <CopyButton text={cell(entry, "message")} label="Copy message" />
      </div>
      <Facts facts={facts(entry)} narrow={narrow} />
      {fields.length > 0 && <section><h4>Read from it</h4><Facts facts={fields.map((one) => ({ name: one.name, shown: one.value }))} narrow={narrow} /></section>}
      {template && <section><h4>Template</h4><code>{template}</code></section>}
      <section><h4>Time</h4><Facts facts={times(entry, zone)} narrow={narrow} /></section>
    </div>
  );
}
