import { ActionIcon, Tooltip } from "@mantine/core";
import { memo, useCallback, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent, type ReactNode, type RefObject } from "react";
import type { Topology, TopologyEdge, TopologyNode } from "../../api/types";
import { bandOf, drawEdges, graticule, percent, place, type DrawnEdge, type Label, type Placed, type Point, type Size } from "../../charts/topology";
import { figures, labels } from "../../charts/topologyLabels";
import { format, plural } from "../../lib/units";
import { wordOf } from "../../lib/verdict";
import { Icon } from "../../ui/Icon";
import css from "./topology.module.css";
import { most, type Loads } from "./load";
import { useZoom } from "./useZoom";

interface DrawingProps {
  view: Topology;
  loads: Loads;
  map: boolean;
  height: number;
  /** Edges that stand out. */
  selected: ReadonlySet<string>;
  found: ReadonlySet<string>;
  openNode: (node: TopologyNode) => void;
  openEdge: (edge: TopologyEdge) => void;
}

const FIGURES = 24;
const FOCUSABLE_EDGES = 80;
const ALL_LABELS = 30;

function useSize(height: number): [box: RefObject<HTMLDivElement | null>, size: Size] {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const watch = new ResizeObserver(() => setWidth(element.clientWidth));
    watch.observe(element);
    setWidth(element.clientWidth);
    return () => watch.disconnect();
  }, []);
  return [box, useMemo(() => ({ width, height }), [width, height])];
}

const nameOf = (node: TopologyNode): string => (node.kind === "site" ? node.title || node.name || "No site" : node.name);

export function edgeTitle(edge: TopologyEdge, nodes: ReadonlyMap<string, TopologyNode>): string {
  const name = (id: string): string => {
    const node = nodes.get(id);
    return node ? nameOf(node) : id;
  };
  return `${name(edge.a)} – ${name(edge.b)}`;
}

/** Enter and space do what a click does. */
const onEnter = (act: () => void) => (event: KeyboardEvent): void => {
  if (event.key !== "Enter" && event.key !== " ") return;
  event.preventDefault();
  act();
};

/** What a node is called aloud; what is written in it is part of it. */
const nodeLabel = (node: TopologyNode): string =>
  [nameOf(node), node.kind === "site" && !node.outside ? plural(node.devices, "device") : "", wordOf(node.status)].filter(Boolean).join(", ");

interface Tip {
  at: Point;
  title: string;
  lines: string[];
}

type ShowTip = (tip: Tip | null) => void;

/** Keeps what it shows to itself: moving over the drawing must not draw it anew. */
function TipBox({ register, size }: { register: (show: ShowTip) => void; size: Size }) {
  const [tip, setTip] = useState<Tip | null>(null);
  useLayoutEffect(() => register(setTip), [register]);
  if (!tip) return null;
  return (
    <div className={css.tip} style={{ left: Math.min(tip.at.x + 14, size.width - 250), top: Math.min(tip.at.y + 14, size.height - 110) }} aria-hidden>
      <b>{tip.title}</b>
      {tip.lines.map((line) => <span key={line}>{line}</span>)}
    </div>
  );
}

function nodeTip(node: TopologyNode): Omit<Tip, "at"> {
  const counts = node.kind === "site" ? [plural(node.devices, "device")] : [[node.role, node.model].filter(Boolean).join(", ")];
  return {
    title: nameOf(node),
    lines: [
      ...counts, `${node.interfaces_up} interfaces up, ${node.interfaces_down} down`,
      node.traffic_bps === null ? "no links" : `${format(node.traffic_bps, "bit/s")} on its links`, wordOf(node.status), ...node.reasons,
    ].filter(Boolean),
  };
}

const EdgeLines = memo(function EdgeLines({ drawn, forward, backward }: { drawn: DrawnEdge; forward: string; backward: string }) {
  const { width } = drawn;
  return (
    <>
      <path d={`${drawn.forward.line}`} className={css.hit} strokeWidth={width + 12} />
      <path d={`${drawn.backward.line}`} className={css.hit} strokeWidth={width + 12} />
      <path d={drawn.forward.line} className={css.half} data-band={forward} strokeWidth={width} />
      <path d={drawn.backward.line} className={css.half} data-band={backward} strokeWidth={width} />
      <path d={drawn.forward.head} className={css.arrow} data-band={forward} />
      <path d={drawn.backward.head} className={css.arrow} data-band={backward} />
      {drawn.edge.oper === "down" && <path className={css.cross} d={`M${drawn.middle.x - 5} ${drawn.middle.y - 5}l10 10m0 -10l-10 10`} />}
    </>
  );
});

function NodeMark({ placed, state }: { placed: Placed; state: "found" | "dimmed" | undefined }) {
  const { node, at, radius } = placed;
  return (
    <>
      <circle cx={at.x} cy={at.y} r={radius + 8} className={css.hit} />
      {state === "found" && <circle cx={at.x} cy={at.y} r={radius + 5} className={css.ring} />}
      {node.kind === "site" && !node.outside
        ? <circle cx={at.x} cy={at.y} r={radius} className={css.node} data-status={node.status} />
        : <rect x={at.x - radius} y={at.y - radius * 0.8} width={radius * 2} height={radius * 1.6} rx={3} className={css.node} data-status={node.status} data-outside={node.outside || undefined} />}
      {node.kind === "site" && !node.outside && <text x={at.x} y={at.y + 4} className={css.count} aria-hidden>{node.devices}</text>}
    </>
  );
}

const Text = ({ label, kind }: { label: Label; kind: string | undefined }) => (
  <text x={label.x} y={label.y} textAnchor={label.anchor} className={kind} aria-hidden>{label.text}</text>
);

function Graticule({ lines }: { lines: ReturnType<typeof graticule> }) {
  return (
    <g aria-hidden>
      {lines.map((line) => <g key={line.path}><path d={line.path} className={css.grid} /><text x={line.at.x} y={line.at.y} className={css.gridText}>{line.text}</text></g>)}
    </g>
  );
}

function useScene({ view, map }: DrawingProps, size: Size, zoom: ReturnType<typeof useZoom>["zoom"]) {
  return useMemo(() => {
    if (size.width === 0) return null;
    const { nodes, fit } = place(view.nodes, size, zoom, map);
    const edges = drawEdges(view.edges, nodes, size);
    return { nodes, edges, names: labels(nodes, edges, size, nodes.length <= ALL_LABELS), lines: map ? graticule(fit, size, zoom) : [] };
  }, [view, map, size, zoom]);
}

/** The network as a drawing whose nodes and links can be reached by keyboard; the table beside it says the same. */
export function Drawing(props: DrawingProps) {
  const { view, loads, height, selected, found, openNode, openEdge } = props;
  const [box, size] = useSize(height);
  const svg = useRef<SVGSVGElement>(null);
  const content = useRef<SVGGElement>(null);
  const { zoom, by, reset, wasDrag, handlers } = useZoom(svg, content, size);
  const tip = useRef<ShowTip>(() => undefined);
  const register = useCallback((show: ShowTip): void => {
    tip.current = show;
  }, []);
  const setTip = (next: Tip | null): void => tip.current(next);
  const scene = useScene(props, size, zoom);
  const byId = useMemo(() => new Map(view.nodes.map((node) => [node.id, node])), [view]);
  const figureLabels = useMemo(() => (scene ? figures(scene.edges, (edge) => most(loads(edge)), scene.names, scene.nodes, FIGURES) : []), [scene, loads]);
  const dim = (id: string): "found" | "dimmed" | undefined => (found.size === 0 ? undefined : found.has(id) ? "found" : "dimmed");
  const point = (event: PointerEvent): Point => {
    const bounds = svg.current?.getBoundingClientRect();
    return { x: event.clientX - (bounds?.left ?? 0), y: event.clientY - (bounds?.top ?? 0) };
  };
  const edgeTip = (edge: TopologyEdge): Omit<Tip, "at"> => {
    const load = loads(edge);
    const [a, b] = [edge.a, edge.b].map((id) => nameOf(byId.get(id) ?? ({ kind: "device", name: id } as TopologyNode)));
    return {
      title: edgeTitle(edge, byId),
      lines: [
        `→ ${b}: ${percent(load.forward)}`, `→ ${a}: ${percent(load.backward)}`,
        `${edge.links.length > 1 ? `${edge.links.length} links, ` : ""}${edge.capacity_bps ? format(edge.capacity_bps, "bit/s") : "capacity not known"}`, ...edge.reasons,
      ],
    };
  };
  const pick = (act: () => void) => () => {
    if (!wasDrag()) act();
  };
  return (
    <div ref={box} className={css.drawing} style={{ height }}>
      {scene && (
        <svg
          ref={svg} width={size.width} height={height} role="group" aria-label={`${plural(view.nodes.length, "node")}, ${plural(view.edges.length, "line")} between them`}
          data-ready onPointerLeave={() => setTip(null)} {...handlers}
        >
          <rect width={size.width} height={size.height} className={css.ground} aria-hidden />
          <g ref={content}>
            <Graticule lines={scene.lines} />
            {scene.nodes.map(({ node, at, home }) => home && <path key={node.id} d={`M${at.x} ${at.y}L${home.x} ${home.y}`} className={css.leader} />)}
            {scene.edges.map((drawn) => {
              const load = loads(drawn.edge);
              const focusable = scene.edges.length <= FOCUSABLE_EDGES;
              const label = `${edgeTitle(drawn.edge, byId)}: ${percent(load.forward)} there, ${percent(load.backward)} back${drawn.edge.oper === "down" ? ", down" : ""}`;
              return (
                <g
                  key={drawn.edge.id} className={css.edge} data-oper={drawn.edge.oper} data-selected={selected.has(drawn.edge.id) || undefined} data-dimmed={found.size > 0 && !found.has(drawn.edge.a) && !found.has(drawn.edge.b) || undefined}
                  {...(focusable ? { role: "button", tabIndex: 0, "aria-label": label } : { "aria-hidden": true })}
                  onClick={pick(() => openEdge(drawn.edge))} onKeyDown={onEnter(() => openEdge(drawn.edge))}
                  onPointerMove={(event) => setTip({ at: point(event), ...edgeTip(drawn.edge) })} onPointerLeave={() => setTip(null)}
                >
                  <EdgeLines drawn={drawn} forward={bandOf(load.forward).name} backward={bandOf(load.backward).name} />
                </g>
              );
            })}
            {figureLabels.map((label) => <Text key={label.id} label={label} kind={css.figure} />)}
            {scene.nodes.map((placed) => (
              <g
                key={placed.node.id} className={css.nodeGroup} data-state={dim(placed.node.id)} role="link" tabIndex={0} aria-label={nodeLabel(placed.node)}
                onClick={pick(() => openNode(placed.node))} onKeyDown={onEnter(() => openNode(placed.node))}
                onPointerMove={(event) => setTip({ at: point(event), ...nodeTip(placed.node) })} onPointerLeave={() => setTip(null)}
              >
                <NodeMark placed={placed} state={dim(placed.node.id)} />
              </g>
            ))}
            {scene.names.map((label) => <Text key={label.id} label={label} kind={css.name} />)}
          </g>
        </svg>
      )}
      <div className={css.zoom}>
        <ZoomButton label="Zoom in" icon={<Icon name="plus" />} act={() => by(1.5)} />
        <ZoomButton label="Zoom out" icon={<Icon name="minus" />} act={() => by(1 / 1.5)} />
        <ZoomButton label="Show everything" icon={<Icon name="fit" />} act={reset} />
      </div>
      <TipBox register={register} size={size} />
    </div>
  );
}

const ZoomButton = ({ label, icon, act }: { label: string; icon: ReactNode; act: () => void }) => (
  <Tooltip label={label} position="left"><ActionIcon variant="default" size={30} aria-label={label} onClick={act}>{icon}</ActionIcon></Tooltip>
);
