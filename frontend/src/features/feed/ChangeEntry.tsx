import { clockTime } from "../../lib/time";
import { CopyButton } from "../../ui/CodeBlock";
import { Icon } from "../../ui/Icon";
import layout from "../../ui/layout.module.css";
import { LineCounts } from "../../ui/LineCounts";
import { DiffView } from "./DiffView";
import { isDiff } from "./diff";
import { cell, label, type Entry } from "./entries";
import { Facts, type Fact } from "./Facts";
import css from "./feed.module.css";
import { DeviceLink, Marked, type EntryProps } from "./LogEntry";
import { kindIcon } from "./words";

const isLink = (text: string): boolean => /^https?:\/\//i.test(text);

export function ChangeLine({ entry, words, zone }: EntryProps) {
  const { added = 0, removed = 0 } = entry.numbers;
  const kind = cell(entry, "kind");
  return (
    <>
      <time dateTime={new Date(entry.time).toISOString()}>{clockTime(entry.time, zone, true).slice(0, -4)}</time>
      <span className={css.word}><Icon name={kindIcon(kind)} size={13} />{kind}</span>
      <DeviceLink entry={entry} />
      <span className={`${css.cell} ${css.wide}`} title={cell(entry, "author")}>{cell(entry, "author") || "–"}</span>
      <span className={css.message}><Marked text={cell(entry, "title")} words={words} /></span>
      <span>{added + removed > 0 && <LineCounts added={added} removed={removed} />}</span>
    </>
  );
}

const COLUMNS: readonly [column: string, name: string][] = [
  ["exporter", "Device"], ["host", "Host"], ["kind", "Kind"], ["author", "Author"], ["component", "Part"], ["source", "Told by"], ["change_id", "Change"],
];

function facts(entry: Entry): Fact[] {
  const plain = COLUMNS.flatMap(([column, name]): Fact[] => {
    const value = cell(entry, column);
    return value ? [{ name, shown: label(entry, column), by: { field: column, value } }] : [];
  });
  const reference = cell(entry, "reference");
  if (reference) plain.push({ name: "Reference", shown: isLink(reference) ? <a href={reference} rel="noreferrer noopener" target="_blank">{reference}</a> : reference, by: { field: "reference", value: reference } });
  return plain;
}

export function ChangeDetail({ entry, words, narrow }: EntryProps) {
  const detail = cell(entry, "detail");
  return (
    <div className={css.detail}>
      {detail && (isDiff(detail) ? <DiffView text={detail} label={`Lines of ${cell(entry, "title")}`} /> : <pre className={css.full}><Marked text={detail} words={words} /></pre>)}
      {detail && <div className={layout.tools}><CopyButton text={detail} label="Copy the change" /></div>}
      <Facts facts={facts(entry)} narrow={narrow} />
    </div>
  );
}
