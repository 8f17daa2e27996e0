import { Button, Drawer } from "@mantine/core";
import { Link } from "wouter";
import type { Source } from "../../api/types";
import { usePrefs } from "../../lib/prefs";
import { devicePath, explorePath } from "../../lib/links";
import { ago, dateTime } from "../../lib/time";
import { duration, format, grouped } from "../../lib/units";
import { FactList } from "../../ui/FactList";
import { Icon } from "../../ui/Icon";
import { Reasons } from "../../ui/Reasons";
import { Stat } from "../../ui/Stat";
import { StatusPill } from "../../ui/Status";
import ui from "../../ui/ui.module.css";
import { clause } from "../filter/clause";
import { kindOf } from "./kinds";
import { detailOf } from "./rows";
import { skewText, stateStatus, stateWord } from "./SourceTable";
import css from "./sources.module.css";

function Errors({ one }: { one: Source }) {
  if (one.errors.length === 0) return <p className="muted">Nothing has gone wrong since the start.</p>;
  return (
    <ul className={ui.findings}>
      {one.errors.map(({ reason, count, what, fix }) => (
        <li key={reason}><code>{reason}</code><b>{grouped(count)} × {what}</b>{fix && <p>{fix}</p>}</li>
      ))}
    </ul>
  );
}


function More({ one, now }: { one: Source; now: number }) {
  const { zone } = usePrefs();
  const facts: [string, string][] = [
    ["Where", one.target],
    ["Expected", one.expected_s ? `every ${duration(one.expected_s)}` : "whenever something happens"],
    ["First seen", one.first_seen === null ? "never" : dateTime(one.first_seen, zone, true)],
    ["Last error", one.last_error_at === null ? "none" : `${one.last_error} (${ago(one.last_error_at, now)})`],
    ["Gaps", grouped(one.gaps)],
    ["Came twice", grouped(one.duplicates)],
    ["Came late", grouped(one.late)],
    ...Object.entries(one.detail).map(([name, value]) => detailOf(name, value)),
  ];
  return <FactList facts={facts} />;
}

function Detail({ one, now, kept }: { one: Source; now: number; kept: string }) {
  const kind = kindOf(one.kind);
  return (
    <div className={css.detail}>
      <div className={css.lead}>
        <StatusPill status={stateStatus(one)}>{stateWord(one.state)}</StatusPill>
        <span>{kind.title}</span>
        {one.exporter && <Link href={devicePath(one.exporter, kept)}>Open the device</Link>}
        {kind.dataset && one.exporter && (
          <Button component={Link} size="compact-sm" variant="default" leftSection={<Icon name="explore" size={13} />} href={explorePath({ dataset: kind.dataset, filter: clause([{ field: "exporter", value: one.exporter }]) }, kept)}>
            Explore what it brings
          </Button>
        )}
      </div>
      {one.reasons.length > 0 && <Reasons reasons={one.reasons} />}
      <div className={css.stats}>
        <Stat label="Rows" value={one.rows_per_s} unit="rows/s" note={`${format(one.rows, "")} since the start`} />
        <Stat label="Received" value={one.received} unit="" note="polls, messages or requests" />
        <Stat label="Last seen" text={one.last_seen === null ? "never" : ago(one.last_seen, now)} note={one.expected_s ? `expected every ${duration(one.expected_s)}` : ""} />
        <Stat label="Came in the last hour" {...(one.coverage === null ? { text: "–" } : { value: Math.floor(one.coverage * 1000) / 10, unit: "%" })} note="of what was expected" />
        <Stat label="Lag" text={duration(one.lag_s)} note="from stamp to arrival" />
        <Stat label="Clock" text={skewText(one.clock_skew_s)} note="against ours" />
      </div>
      <section><h3>What went wrong, by reason</h3><Errors one={one} /></section>
      <section><h3>More</h3><More one={one} now={now} /></section>
    </div>
  );
}

/** Everything about one source; its address is in the page's URL. */
export function SourceDrawer({ one, now, kept, close }: { one: Source | undefined; now: number; kept: string; close: () => void }) {
  return (
    <Drawer opened={one !== undefined} onClose={close} title={one?.name ?? ""} size={620}>
      {one && <Detail one={one} now={now} kept={kept} />}
    </Drawer>
  );
}
