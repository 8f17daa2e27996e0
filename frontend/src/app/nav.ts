import type { IconName } from "../ui/Icon";

export interface Page {
  path: string;
  title: string;
  icon: IconName;
  /** Second key of the `g` shortcut. */
  key: string;
}

/** In the order a person works. A page stands here when it exists. */
export const PAGES: readonly Page[] = [
  { path: "/", title: "Home", icon: "home", key: "h" },
  { path: "/explore", title: "Explore", icon: "explore", key: "e" },
  { path: "/topology", title: "Topology", icon: "topology", key: "t" },
  { path: "/devices", title: "Devices", icon: "device", key: "d" },
  { path: "/events", title: "Events", icon: "bell", key: "v" },
  { path: "/synthetics", title: "Synthetics", icon: "synthetics", key: "y" },
  { path: "/routing", title: "Routing", icon: "routing", key: "r" },
  { path: "/cloud", title: "Cloud", icon: "cloud", key: "c" },
  { path: "/sources", title: "Sources", icon: "exporters", key: "s" },
  { path: "/settings", title: "Settings", icon: "settings", key: "," },
];

export const isCurrent = (page: Page, location: string): boolean =>
  page.path === "/" ? location === "/" : location === page.path || location.startsWith(`${page.path}/`);
