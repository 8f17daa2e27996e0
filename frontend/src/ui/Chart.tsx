import { useComputedColorScheme } from "@mantine/core";
import type { EChartsOption } from "echarts";
import { useEffect, useEffectEvent, useRef, useState, type PointerEvent } from "react";
import type { Engine } from "../charts/engine";
import { loadParts, partsFor } from "../charts/parts";
import { readChartTheme, type ChartTheme } from "../charts/theme";
import css from "./Chart.module.css";

export interface Mark {
  seriesIndex: number;
  dataIndex?: number;
}

export interface ChartProps {
  /** Pure builder; give it a stable identity (useCallback) so that the chart is drawn once per change. */
  build: (theme: ChartTheme) => EChartsOption;
  /** A change of kind draws from scratch; otherwise only what differs is redrawn. */
  kind: string;
  height: number;
  /** What the picture shows, in a sentence, for those who cannot see it. */
  label: string;
  /** Dragging over a time axis: UTC seconds. */
  onZoom?: ((since: number, until: number) => void) | undefined;
  onHover?: ((mark: Mark | null) => void) | undefined;
  onPick?: ((mark: Mark) => void) | undefined;
  highlight?: Mark | null | undefined;
}

const markOf = (event: { seriesIndex?: number; dataIndex?: number }): Mark => ({
  seriesIndex: event.seriesIndex ?? 0,
  dataIndex: event.dataIndex ?? 0,
});

function useEngine(parts: string, onHover: ChartProps["onHover"], onPick: ChartProps["onPick"]) {
  const box = useRef<HTMLDivElement>(null);
  const [engine, setEngine] = useState<Engine | null>(null);
  const hovered = useEffectEvent((mark: Mark | null) => onHover?.(mark));
  const picked = useEffectEvent((mark: Mark) => onPick?.(mark));

  useEffect(() => {
    let disposed = false;
    let chart: Engine | null = null;
    const resize = new ResizeObserver(() => chart?.resize());
    void Promise.all([import("../charts/engine"), loadParts(parts)]).then(([{ init }]) => {
      const element = box.current;
      if (disposed || !element) return;
      chart = init(element, null, { renderer: "canvas" });
      chart.on("mouseover", (event) => hovered(markOf(event)));
      chart.on("mouseout", () => hovered(null));
      chart.on("click", (event) => picked(markOf(event)));
      resize.observe(element);
      setEngine(chart);
    });
    return () => {
      disposed = true;
      resize.disconnect();
      chart?.dispose();
      setEngine(null);
    };
  }, [parts]);
  return { box, engine };
}

interface Drag {
  from: number;
  to: number;
}

const x = (event: PointerEvent<HTMLElement>): number => event.clientX - event.currentTarget.getBoundingClientRect().left;

/** Rubber band over the plot; a drag shorter than a few pixels is a click. */
function useDragZoom(engine: Engine | null, onZoom: ChartProps["onZoom"]) {
  const [drag, setDrag] = useState<Drag | null>(null);
  const onPointerDown = (event: PointerEvent<HTMLElement>): void => {
    if (!engine || !onZoom || event.button !== 0) return;
    const y = event.clientY - event.currentTarget.getBoundingClientRect().top;
    if (engine.containPixel("grid", [x(event), y])) setDrag({ from: x(event), to: x(event) });
  };
  const onPointerMove = (event: PointerEvent<HTMLElement>): void => {
    if (!drag) return;
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) event.currentTarget.setPointerCapture(event.pointerId);
    setDrag({ ...drag, to: x(event) });
  };
  const onPointerUp = (): void => {
    if (!drag || !engine) return;
    setDrag(null);
    if (Math.abs(drag.to - drag.from) < 6) return;
    const at = (pixel: number): number => Number(engine.convertFromPixel({ xAxisIndex: 0 }, pixel)) / 1000;
    const since = Math.floor(at(Math.min(drag.from, drag.to)));
    const until = Math.ceil(at(Math.max(drag.from, drag.to)));
    if (until - since >= 1) onZoom?.(since, Math.max(until, since + 10));
  };
  return { drag, handlers: { onPointerDown, onPointerMove, onPointerUp, onPointerCancel: () => setDrag(null) } };
}

export function Chart({ build, kind, height, label, onZoom, onHover, onPick, highlight }: ChartProps) {
  const scheme = useComputedColorScheme("dark");
  const { box, engine } = useEngine(partsFor(kind), onHover, onPick);
  const drawn = useRef("");
  const { drag, handlers } = useDragZoom(engine, onZoom);

  useEffect(() => {
    if (!engine) return;
    if (engine.isDisposed()) return; // made anew for another kind
    const fresh = drawn.current !== kind + scheme;
    drawn.current = kind + scheme;
    engine.setOption(build(readChartTheme()), fresh ? { notMerge: true } : { replaceMerge: ["series"] });
  }, [engine, build, kind, scheme]);

  useEffect(() => {
    if (!engine || !highlight) return;
    engine.dispatchAction({ type: "highlight", ...highlight });
    return () => {
      if (!engine.isDisposed()) engine.dispatchAction({ type: "downplay", ...highlight });
    };
  }, [engine, highlight]);

  return (
    <div className={css.frame} style={{ height }} data-zoomable={onZoom ? true : undefined} {...handlers}>
      <div ref={box} className={css.canvas} role="img" aria-label={label} data-ready={engine ? true : undefined} />
      {drag && Math.abs(drag.to - drag.from) > 2 && (
        <div className={css.band} style={{ left: Math.min(drag.from, drag.to), width: Math.abs(drag.to - drag.from) }} />
      )}
    </div>
  );
}
