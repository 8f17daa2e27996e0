/** Our own line icons on a 24 px grid; 1.75 px strokes, drawn to read at 16 px. */
import type { SVGProps } from "react";

const PATHS = {
  home: "M4 11.5 12 4.500l8 7M6.500 10v9.500h11V10M10 19.500v-5h4v5",
  explore: "M4 19.500h16M4 15.500l4.500-5.500 4 3.500L20 5.500M20 5.500h-4M20 5.500v4",
  exporters: "M4 5.500h16v5H4zM4 13.500h16v5H4zM7.500 8h.01M7.500 16h.01M11 8h5.500M11 16h5.500",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M13 4.500v5M17 4.500v5M7 14.500v5M11 14.500v5M13 4.500h4v5h-4zM7 14.500h4v5H7z",
  search: "M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13zM15.300 15.300 20 20",
  clock: "M12 20.500a8.500 8.500 0 1 0 0-17 8.500 8.500 0 0 0 0 17zM12 7.500V12l3 2",
  left: "M14.500 5.500 8 12l6.500 6.500",
  right: "M9.500 5.500 16 12l-6.500 6.500",
  down: "M6 9l6 6 6-6",
  up: "M6 15l6-6 6 6",
  zoomOut: "M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13zM15.300 15.300 20 20M7.500 10.500h6",
  refresh: "M19.500 12a7.500 7.500 0 1 1-2.200-5.300L19.500 9M19.500 4.500V9H15",
  close: "M6 6l12 12M18 6 6 18",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  check: "M5 12.500 10 17.500 19.500 7",
  warn: "M12 4 2.800 19.500h18.400zM12 10v4.500M12 17.200v.01",
  bad: "M12 20.500a8.500 8.500 0 1 0 0-17 8.500 8.500 0 0 0 0 17zM9 9l6 6M15 9l-6 6",
  good: "M12 20.500a8.500 8.500 0 1 0 0-17 8.500 8.500 0 0 0 0 17zM8.200 12.300l2.600 2.600 5-5.400",
  info: "M12 20.500a8.500 8.500 0 1 0 0-17 8.500 8.500 0 0 0 0 17zM12 11v5.500M12 7.800v.01",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2.500v2M12 19.500v2M2.500 12h2M19.500 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M5.300 18.700l1.400-1.400M17.300 6.700l1.400-1.400",
  moon: "M19.500 14.500A8 8 0 0 1 9.500 4.500a8 8 0 1 0 10 10z",
  auto: "M12 20.500a8.500 8.500 0 1 0 0-17 8.500 8.500 0 0 0 0 17zM12 3.500v17M12 7h5M12 12h8M12 17h5",
  user: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.500 20.500c.6-4 3.500-6 7.500-6s6.900 2 7.500 6",
  logout: "M14 4.500H5.500v15H14M10 12h10M16.500 8.500 20 12l-3.500 3.500",
  save: "M6.500 4h11v16L12 15.500 6.500 20z",
  link: "M10 14a4 4 0 0 0 5.700 0l3.100-3.100a4 4 0 0 0-5.700-5.700L11.800 6.500M14 10a4 4 0 0 0-5.700 0l-3.100 3.100a4 4 0 0 0 5.700 5.700l1.300-1.300",
  download: "M12 4v11M7.500 10.500 12 15l4.500-4.500M4.500 19.500h15",
  code: "M8.500 7 3.500 12l5 5M15.500 7l5 5-5 5",
  stacked: "M3.500 20.500V14l5-4 5 3 7-7v14.500zM3.500 17.500l5-2.500 5 2 7-5",
  lines: "M3.500 17l5-6 5 3.500 7-8.500M3.500 20.500l5-3 5 1 7-4",
  bars: "M4 5h12v3.500H4zM4 10.300h16v3.400H4zM4 15.500h8V19H4z",
  sankey: "M3.500 5.500c8 0 9 10 17 10M3.500 9.500c8 0 9 9 17 9M3.500 18.500c8 0 9-12 17-12",
  heatmap: "M4 4h4.700v4.700H4zM9.700 4h4.600v4.700H9.700zM15.300 4H20v4.700h-4.700zM4 9.700h4.700v4.600H4zM9.700 9.700h4.600v4.600H9.700zM15.300 9.700H20v4.600h-4.700zM4 15.300h4.700V20H4zM9.700 15.300h4.600V20H9.700zM15.300 15.300H20V20h-4.700z",
  table: "M4 5h16v14H4zM4 10h16M4 14.500h16M10 10v9",
  records: "M4 6h16M4 10h16M4 14h16M4 18h10",
  compare: "M4 17c4 0 4-9 8-9s4 9 8 9M4 12h2M10 12h2.500M17 12h3",
  filter: "M4 5.500h16l-6.200 7.200V19l-3.600-2v-4.300z",
  drag: "M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01",
  key: "M8 16.500a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9zM12.500 12h8M17 12v3.500M20.500 12v2.500",
  book: "M12 6.500C10 5 7 4.500 4 4.500v13.500c3 0 6 .5 8 2 2-1.500 5-2 8-2V4.500c-3 0-6 .5-8 2zM12 6.500V20",
  trash: "M4.500 6.500h15M9.500 6.500V4h5v2.500M6.500 6.500l1 13.500h9l1-13.500M10 10v6.500M14 10v6.500",
  copy: "M8.500 8.500h11v11h-11zM15.500 8.500v-4h-11v11h4",
  keyboard: "M3 6.500h18v11H3zM6.500 10h.01M10 10h.01M14 10h.01M17.500 10h.01M8 14h8",
  dots: "M5.500 12h.01M12 12h.01M18.500 12h.01",
  topology: "M6 8.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5zM18 10.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5zM9 20.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5zM8.400 6.400l7.100 1.200M6.600 8.400l1.800 7.100M16.500 10l-5.700 6.300",
  synthetics: "M3.500 12h3.500l2.500-6.500 4 13 2.500-6.500h4.500M20.500 12h.01",
  routing: "M4 7h6l4 10h6M17 14l3 3-3 3M4 17h3.500l1.500-3.500M13 10.500 14.500 7H20M17 4l3 3-3 3",
  device: "M4 8.500h16v7H4zM7 12h.01M10 12h.01M14 12h3.500M8 8.500V5.500M16 8.500V5.500M12 15.500v3",
  play: "M7.500 4.800v14.400L19 12z",
  pause: "M8 5v14M16 5v14",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  menu: "M4 6.500h16M4 12h16M4 17.500h16",
} as const;

export type IconName = keyof typeof PATHS;

export interface IconProps extends Omit<SVGProps<SVGSVGElement>, "name"> {
  name: IconName;
  size?: number;
}

export function Icon({ name, size = 16, ...rest }: IconProps) {
  return (
    <svg
      width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth={1.75}
      strokeLinecap="round" strokeLinejoin="round" aria-hidden focusable="false" {...rest}
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark: warp and weft. */
export function Logo({ size = 22 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" aria-hidden focusable="false">
      <rect width="24" height="24" rx="6" fill="var(--accent)" />
      <g fill="none" stroke="var(--on-accent)" strokeWidth="2.2" strokeLinecap="round">
        <path d="M4.500 8.500h3M11.500 8.500h8M4.500 15.500h8M16.500 15.500h3M8.500 4.500v8M8.500 16.500v3M15.500 4.500v3M15.500 11.500v8" />
      </g>
    </svg>
  );
}
