import { ActionIcon, Button, Popover, SegmentedControl, Tooltip } from "@mantine/core";
import { useState } from "react";
import { REFRESHES, useNow, useTime } from "../app/time";
import { setPref, usePrefs } from "../lib/prefs";
import { absolute, fromInput, PRESETS, rangeLabel, resolve, toInput } from "../lib/time";
import { Icon } from "./Icon";
import css from "./TimeRangePicker.module.css";

const refreshLabel = (seconds: number): string => (seconds === 0 ? "Off" : seconds < 60 ? `${seconds} s` : `${seconds / 60} min`);

function Absolute({ close }: { close: () => void }) {
  const { range, setRange } = useTime();
  const { zone } = usePrefs();
  const now = useNow(60);
  const span = resolve(range, now) ?? { since: now - 21_600, until: now };
  const [from, setFrom] = useState(toInput(span.since, zone));
  const [to, setTo] = useState(toInput(span.until, zone));
  const [since, until] = [fromInput(from, zone), fromInput(to, zone)];
  const wrong = since === null || until === null || since >= until;
  return (
    <form
      className={css.absolute}
      onSubmit={(event) => {
        event.preventDefault();
        if (wrong) return;
        setRange(absolute({ since, until }));
        close();
      }}
    >
      <label>From<input type="datetime-local" value={from} onChange={(event) => setFrom(event.target.value)} /></label>
      <label>To<input type="datetime-local" value={to} onChange={(event) => setTo(event.target.value)} aria-invalid={wrong} /></label>
      {wrong && <p className={css.wrong} role="alert">The end must be after the start.</p>}
      <Button type="submit" disabled={wrong} size="xs">Apply</Button>
    </form>
  );
}

function Choices({ close }: { close: () => void }) {
  const { range, setRange, refresh, setRefresh } = useTime();
  const { zone } = usePrefs();
  return (
    <div className={css.choices}>
      <ul className={css.presets} aria-label="Presets">
        {PRESETS.map((preset) => (
          <li key={preset.label}>
            <button
              type="button" aria-pressed={preset.range.since === range.since && preset.range.until === range.until}
              onClick={() => { setRange(preset.range); close(); }}
            >
              {preset.label}
            </button>
          </li>
        ))}
      </ul>
      <div className={css.side}>
        <Absolute key={zone + range.since + range.until} close={close} />
        <div className={css.option}>
          <span id="time-zone-label">Time zone</span>
          <SegmentedControl
            size="xs" value={zone} aria-labelledby="time-zone-label" onChange={(value) => setPref("zone", value === "utc" ? "utc" : "local")}
            data={[{ value: "local", label: "Local" }, { value: "utc", label: "UTC" }]}
          />
        </div>
        <div className={css.option}>
          <span id="refresh-label">Refresh</span>
          <SegmentedControl
            size="xs" value={String(refresh)} aria-labelledby="refresh-label" onChange={(value) => setRefresh(Number(value))}
            data={REFRESHES.map((seconds) => ({ value: String(seconds), label: refreshLabel(seconds) }))}
          />
        </div>
      </div>
    </div>
  );
}

export function TimeRangePicker() {
  const { range, refresh, shift, zoomOut } = useTime();
  const { zone } = usePrefs();
  const now = useNow(30);
  const [open, setOpen] = useState(false);
  const close = (): void => setOpen(false);
  return (
    <div className={css.picker} role="group" aria-label="Time range">
      <Tooltip label="Earlier  [">
        <ActionIcon aria-label="Shift to an earlier time" onClick={() => shift(-1)}><Icon name="left" /></ActionIcon>
      </Tooltip>
      <Popover opened={open} onChange={setOpen} position="bottom-end" trapFocus returnFocus>
        <Popover.Target>
          <button type="button" className={css.current} onClick={() => setOpen(!open)} aria-haspopup="dialog" aria-expanded={open}>
            <Icon name="clock" size={14} />
            <span>{rangeLabel(range, zone, now)}</span>
            {zone === "utc" && <small>UTC</small>}
            {refresh > 0 && <small>↻ {refreshLabel(refresh)}</small>}
            <Icon name="down" size={12} />
          </button>
        </Popover.Target>
        <Popover.Dropdown p={0} aria-label="Choose a time range"><Choices close={close} /></Popover.Dropdown>
      </Popover>
      <Tooltip label="Later  ]">
        <ActionIcon aria-label="Shift to a later time" onClick={() => shift(1)}><Icon name="right" /></ActionIcon>
      </Tooltip>
      <Tooltip label="Zoom out  −">
        <ActionIcon aria-label="Zoom out" onClick={zoomOut}><Icon name="zoomOut" /></ActionIcon>
      </Tooltip>
    </div>
  );
}
