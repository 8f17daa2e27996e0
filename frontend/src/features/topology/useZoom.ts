/** Zooming and panning a drawing: Ctrl or ⌘ and the wheel (a pinch), drag, buttons. A drag of a few pixels is still a click. */
import { useCallback, useEffect, useLayoutEffect, useRef, useState, type PointerEvent, type RefObject } from "react";
import { MOST_ZOOM, NO_ZOOM, type Point, type Size, type Zoom } from "../../charts/topology";

/** Keeps what is under the pointer where it is. */
export function zoomedAt(zoom: Zoom, factor: number, at: Point): Zoom {
  const k = Math.min(MOST_ZOOM, Math.max(1, zoom.k * factor));
  if (k === 1) return NO_ZOOM;
  return { k, x: at.x - ((at.x - zoom.x) * k) / zoom.k, y: at.y - ((at.y - zoom.y) * k) / zoom.k };
}

const CLICK = 4;

/** While it is dragged, `content` is only shifted as it is; where names and lines stand is worked out at the end. */
export function useZoom(box: RefObject<SVGSVGElement | null>, content: RefObject<SVGGElement | null>, size: Size) {
  const [zoom, setZoom] = useState<Zoom>(NO_ZOOM);
  const drag = useRef<{ from: Point; by: Point; moved: boolean } | null>(null);
  const moved = useRef(false);
  useLayoutEffect(() => {
    content.current?.removeAttribute("transform");
    content.current?.setAttribute("data-zoom", zoom.k.toFixed(2));
  }, [content, zoom]);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const onWheel = (event: WheelEvent): void => {
      if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
      event.preventDefault();
      const bounds = element.getBoundingClientRect();
      setZoom((now) => zoomedAt(now, Math.exp(-event.deltaY * 0.0016), { x: event.clientX - bounds.left, y: event.clientY - bounds.top }));
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [box]);

  const by = useCallback((factor: number) => setZoom((now) => zoomedAt(now, factor, { x: size.width / 2, y: size.height / 2 })), [size]);
  const onPointerDown = (event: PointerEvent<SVGSVGElement>): void => {
    if (event.button === 0) drag.current = { from: { x: event.clientX, y: event.clientY }, by: { x: 0, y: 0 }, moved: false };
  };
  const onPointerMove = (event: PointerEvent<SVGSVGElement>): void => {
    const now = drag.current;
    if (!now) return;
    now.by = { x: event.clientX - now.from.x, y: event.clientY - now.from.y };
    if (!now.moved && Math.hypot(now.by.x, now.by.y) < CLICK) return;
    if (!now.moved) event.currentTarget.setPointerCapture(event.pointerId);
    now.moved = true;
    content.current?.setAttribute("transform", `translate(${now.by.x} ${now.by.y})`);
  };
  const onPointerUp = (): void => {
    const last = drag.current;
    drag.current = null;
    moved.current = last?.moved ?? false;
    if (last?.moved) setZoom((now) => ({ ...now, x: now.x + last.by.x, y: now.y + last.by.y }));
  };
  /** Whether the click that follows ended a drag. */
  const wasDrag = useCallback((): boolean => moved.current, []);
  return { zoom, reset: useCallback(() => setZoom(NO_ZOOM), []), by, wasDrag, handlers: { onPointerDown, onPointerMove, onPointerUp, onPointerCancel: onPointerUp } };
}
