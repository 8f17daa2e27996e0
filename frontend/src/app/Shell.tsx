import { ActionIcon, Button, Menu, Tooltip } from "@mantine/core";
import { lazy, Suspense, useEffect, useState, type ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { useLiveState } from "../api/live";
import { setPref, usePrefs, type Prefs } from "../lib/prefs";
import { Icon, Logo, type IconName } from "../ui/Icon";
import { DemoBadge } from "../ui/Status";
import { isCurrent, PAGES } from "./nav";
import { useSession } from "./session";
import css from "./Shell.module.css";
import { useShortcuts } from "./shortcuts";
import { useTimeSearch } from "./time";
import { Toasts } from "../ui/toast";

const loadPalette = () => import("./Palette");
const Palette = lazy(loadPalette);
const Help = lazy(() => import("./ShortcutHelp"));
const Scenario = lazy(() => import("../features/scenario/Scenario"));

const SCHEMES: readonly { value: Prefs["scheme"]; label: string; icon: IconName }[] = [
  { value: "dark", label: "Dark", icon: "moon" },
  { value: "light", label: "Light", icon: "sun" },
  { value: "auto", label: "Like the system", icon: "auto" },
];

const LIVE = { idle: null, connecting: "Connecting", live: "Live", lost: "Reconnecting" } as const;

function LiveIndicator() {
  const state = useLiveState();
  const text = LIVE[state];
  if (!text) return null;
  return <span className={css.live} data-state={state} role="status"><i />{text}</span>;
}

function UserMenu() {
  const { user, logout } = useSession();
  const { scheme } = usePrefs();
  return (
    <Menu position="right-end" width={210}>
      <Menu.Target>
        <button type="button" className={css.user}>
          <span className={css.avatar} aria-hidden>{user?.username.slice(0, 1).toUpperCase()}</span>
          <span className={css.navText}>
            <span className="visually-hidden">Account of </span>
            <b>{user?.username}</b>
            <small>{user?.role}</small>
          </span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Theme</Menu.Label>
        {SCHEMES.map((one) => (
          <Menu.Item
            key={one.value} leftSection={<Icon name={one.icon} />} onClick={() => setPref("scheme", one.value)}
            rightSection={scheme === one.value ? <Icon name="check" /> : null} closeMenuOnClick={false}
          >
            {one.label}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<Icon name="user" />} component={Link} href="/settings/profile">Profile</Menu.Item>
        <Menu.Item leftSection={<Icon name="key" />} component={Link} href="/settings/tokens">API tokens</Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<Icon name="logout" />} onClick={() => void logout()}>Log out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function Navigation({ openPalette }: { openPalette: () => void }) {
  const [location] = useLocation();
  const kept = useTimeSearch();
  const { navCollapsed } = usePrefs();
  return (
    <nav className={css.nav} aria-label="Main">
      <Link href={`/${kept}`} className={css.brand} aria-label="Weft, Home"><Logo /><span className={css.navText}>Weft</span></Link>
      <button type="button" className={css.search} onClick={openPalette} aria-keyshortcuts="Meta+K Control+K">
        <Icon name="search" /><span className={css.navText}>Go to…</span><kbd className={css.navText} aria-hidden>⌘K</kbd>
      </button>
      <ul>
        {PAGES.map((page) => (
          <li key={page.path}>
            <Tooltip label={page.title} position="right" disabled={!navCollapsed}>
              <Link href={page.path + kept} className={css.item} aria-current={isCurrent(page, location) ? "page" : undefined}>
                <Icon name={page.icon} size={17} /><span className={css.navText}>{page.title}</span>
              </Link>
            </Tooltip>
          </li>
        ))}
      </ul>
      <div className={css.bottom}>
        <div className={css.meta}>
          <LiveIndicator />
          <Tooltip label={navCollapsed ? "Show names" : "Icons only"} position="right">
            <ActionIcon aria-label={navCollapsed ? "Expand the navigation" : "Collapse the navigation"} onClick={() => setPref("navCollapsed", !navCollapsed)}>
              <Icon name={navCollapsed ? "right" : "left"} />
            </ActionIcon>
          </Tooltip>
        </div>
        <UserMenu />
      </div>
    </nav>
  );
}

export function Shell({ children }: { children: ReactNode }) {
  const { health } = useSession();
  const { navCollapsed } = usePrefs();
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  const [scenario, setScenario] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => void loadPalette(), 5000); // so that the first keys after ⌘K already land in it
    return () => clearTimeout(timer);
  }, []);
  useShortcuts({ palette: () => setPalette(true), help: () => setHelp(true) });
  return (
    <div className={css.shell} data-collapsed={navCollapsed || undefined}>
      <a className="skip-link" href="#main">Skip to the content</a>
      <Navigation openPalette={() => setPalette(true)} />
      <main id="main" tabIndex={-1} className={css.main}>
        {health?.demo && (
          <div className={css.demoBanner} role="note">
            <DemoBadge /><span>Simulated devices send real telemetry to this server. Nothing here is from your network.</span>
            <Button size="compact-xs" variant="default" onClick={() => setScenario(true)}>Scenario</Button>
          </div>
        )}
        {children}
      </main>
      <Toasts />
      <Suspense fallback={null}>
        {palette && <Palette close={() => setPalette(false)} showHelp={() => setHelp(true)} />}
        {scenario && <Scenario close={() => setScenario(false)} />}
        {help && <Help close={() => setHelp(false)} />}
      </Suspense>
    </div>
  );
}
