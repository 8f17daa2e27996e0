import { memo, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent } from "react";
import type { TestPath } from "../../api/types";
import { format, plural } from "../../lib/units";
import { curve, hopName, hopPlace, hopStatus, layout, through, type PlacedHop } from "./pathGraph";
import css from "./synthetics.module.css";

interface PathGraphProps {
  path: TestPath;
  chosen: number | null;
  choose: (index: number | null) => void;
}

const shortened = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

/** An address is as wide as it is: long ones keep their end, which tells them apart. */
const label = (hop: PlacedHop["hop"]): string => {
  const name = hopName(hop);
  return name.length > 17 && name.includes(":") ? `…${name.slice(-15)}` : shortened(name, 17);
};

function spoken(path: TestPath, { hop, index }: PlacedHop): string {
  const parts = [
    `Hop ${hop.ttl}: ${hopName(hop)}`, hopPlace(hop), hop.rtt_ms === null ? "" : format(hop.rtt_ms, "ms"),
    hop.loss > 0 && hop.address ? `loss ${format(hop.loss * 100, "%")}` : "", plural(hop.flows, "flow"), hopStatus(path, index) === "good" ? "" : hopStatus(path, index),
  ];
  return parts.filter(Boolean).join(", ");
}

function Mark({ path, placed, dimmed, chosen, choose }: { path: TestPath; placed: PlacedHop; dimmed: boolean; chosen: boolean; choose: (index: number | null) => void }) {
  const { hop, x, y, index } = placed;
  const pick = (): void => choose(chosen ? null : index);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    pick();
  };
  return (
    <g
      className={css.hop} data-status={hopStatus(path, index)} data-dimmed={dimmed || undefined} data-chosen={chosen || undefined} role="button" tabIndex={0}
      aria-label={spoken(path, placed)} aria-pressed={chosen} onClick={pick} onKeyDown={onKeyDown}
    >
      <title>{spoken(path, placed)}</title>
      <rect x={x - 54} y={y - 24} width={108} height={54} className={css.hopHit} />
      {hop.reached ? <rect x={x - 6} y={y - 6} width={12} height={12} rx={2} /> : <circle cx={x} cy={y} r={6} />}
    </g>
  );
}

/** What is written at a hop: beside the mark, for what is read aloud says more. */
function Words({ placed: { hop, x, y }, dimmed }: { placed: PlacedHop; dimmed: boolean }) {
  return (
    <g className={css.words} data-dimmed={dimmed || undefined} aria-hidden>
      <text x={x} y={y - 12} className={css.hopName}>{label(hop)}</text>
      <text x={x} y={y + 19} className={css.hopPlace}>
        {[shortened(hopPlace(hop), 12), hop.rtt_ms === null ? "" : format(hop.rtt_ms, "ms")].filter(Boolean).join(" · ")}
      </text>
    </g>
  );
}

/** One run of a trace: who answered at each distance, and which way the flows went. */
export const PathGraph = memo(function PathGraph({ path, chosen, choose }: PathGraphProps) {
  const box = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const watch = new ResizeObserver(() => setRoom(element.clientWidth));
    watch.observe(element);
    setRoom(element.clientWidth);
    return () => watch.disconnect();
  }, []);
  const drawn = useMemo(() => layout(path, room), [path, room]);
  const kept = useMemo(() => (chosen === null ? null : through(path, chosen)), [path, chosen]);
  const last = Math.max(0, ...path.hops.map((hop) => hop.ttl));
  return (
    <div ref={box} className={css.graph} tabIndex={0} role="region" aria-label="Path, hop by hop">
      {room > 0 && (
        <svg width={drawn.width} height={drawn.height} role="group" aria-label={`${plural(last, "hop")} from ${path.agent} to ${path.target}`}>
          {drawn.hops.filter((one, place) => drawn.hops.findIndex((other) => other.hop.ttl === one.hop.ttl) === place).map((one) => (
            <text key={one.hop.ttl} x={one.x} y={14} className={css.ttl} aria-hidden>{one.hop.ttl}</text>
          ))}
          <g aria-hidden>
            {drawn.steps.map((step) => (
              <path
                key={step.key} d={curve(step)} className={css.step} strokeWidth={1.5 + 6 * step.share}
                data-dimmed={(kept && !(kept.has(step.next) && (step.origin === -1 || kept.has(step.origin)))) || undefined}
                data-silent={path.hops[step.next]?.address === "" || path.hops[step.origin]?.address === "" || undefined}
              ><title>{plural(step.flows, "flow")}</title></path>
            ))}
          </g>
          <g className={css.hop} data-status="agent" aria-hidden>
            <rect x={drawn.agent.x - 7} y={drawn.agent.y - 7} width={14} height={14} rx={3} />
            <text x={drawn.agent.x} y={drawn.agent.y - 13} className={css.hopName}>{shortened(path.agent, 16)}</text>
            <text x={drawn.agent.x} y={drawn.agent.y + 20} className={css.hopPlace}>agent</text>
          </g>
          {drawn.hops.map((placed) => (
            <Mark key={placed.index} path={path} placed={placed} dimmed={kept !== null && !kept.has(placed.index)} chosen={chosen === placed.index} choose={choose} />
          ))}
          {drawn.hops.map((placed) => <Words key={placed.index} placed={placed} dimmed={kept !== null && !kept.has(placed.index)} />)}
        </svg>
      )}
    </div>
  );
});
