import { ActionIcon, Button, Tooltip } from "@mantine/core";
import { useEffect, useEffectEvent, useMemo, useState } from "react";
import type { Timeline } from "../../api/types";
import { bandOf, percent } from "../../charts/topology";
import { usePrefs } from "../../lib/prefs";
import { dateTime, tick } from "../../lib/time";
import { duration } from "../../lib/units";
import { Icon } from "../../ui/Icon";
import { endOf, highest } from "./load";
import css from "./topology.module.css";

interface TimeSliderProps {
  timeline: Timeline;
  /** Bucket shown; null = the end of the range, kept up to date. */
  index: number | null;
  setIndex: (index: number | null) => void;
  /** The most loaded link of the picture at the end of the range, 0–1. */
  latest: number | null;
}

const STEP_MS = 450;

/** Steps on by itself while it plays; from the beginning again if it stood at the end. */
function usePlaying({ timeline, index, setIndex }: TimeSliderProps): [playing: boolean, toggle: () => void] {
  const [playing, setPlaying] = useState(false);
  const step = useEffectEvent(() => {
    const next = (index ?? -1) + 1;
    if (next >= timeline.count) setPlaying(false);
    else setIndex(next);
  });
  useEffect(() => {
    if (!playing) return;
    const timer = setInterval(step, STEP_MS);
    return () => clearInterval(timer);
  }, [playing]);
  const toggle = (): void => {
    if (!playing && (index === null || index >= timeline.count - 1)) setIndex(0);
    setPlaying(!playing);
  };
  return [playing, toggle];
}

/** The course of the most loaded link, one bar per bucket, and a slider below it that moves the picture through time. */
export function TimeSlider(props: TimeSliderProps) {
  const { timeline, index, setIndex, latest } = props;
  const { zone } = usePrefs();
  const [playing, toggle] = usePlaying(props);
  const bars = useMemo(() => highest(timeline), [timeline]);
  const width = timeline.step * timeline.count;
  const shown = index ?? timeline.count - 1;
  const at = endOf(timeline, shown);
  const high = percent(index === null ? latest : bars[shown]);
  const words = `${dateTime(at, zone)}, most loaded link ${high}`;
  return (
    <div className={css.slider} role="group" aria-label="Time">
      <Tooltip label={playing ? "Pause" : "Play the range"}>
        <ActionIcon variant="default" size={34} aria-label={playing ? "Pause" : "Play"} onClick={toggle}><Icon name={playing ? "pause" : "play"} /></ActionIcon>
      </Tooltip>
      <div className={css.track}>
        <svg viewBox={`0 0 ${timeline.count} 20`} preserveAspectRatio="none" aria-hidden>
          {bars.map((value, place) => value !== null && (
            <rect key={place} x={place + 0.08} width={0.84} y={20 - Math.max(1.5, Math.min(1, value) * 20)} height={20} className={css.bar} data-band={bandOf(value).name} data-past={place <= shown || undefined} />
          ))}
        </svg>
        <input
          type="range" min={0} max={timeline.count - 1} step={1} value={shown} aria-label="Moment" aria-valuetext={words}
          onChange={(event) => setIndex(Number(event.target.value))}
        />
        <div className={css.ticks} aria-hidden>
          <span>{tick(timeline.start, zone, Math.max(width, 601))}</span>
          <span>bars: most loaded link per {duration(timeline.step)}</span>
          <span>{tick(timeline.start + width, zone, Math.max(width, 601))}</span>
        </div>
      </div>
      <div className={css.moment}>
        <b>{index === null ? "Latest" : dateTime(at, zone)}</b>
        <small>most loaded {high}</small>
      </div>
      <Button variant="default" size="xs" disabled={index === null} onClick={() => setIndex(null)}>Latest</Button>
    </div>
  );
}
