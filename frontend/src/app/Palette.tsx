import { Modal } from "@mantine/core";
import { useMemo, useState, type KeyboardEvent } from "react";
import { useLocation } from "wouter";
import { useCatalogue, useGet } from "../api/queries";
import type { Exporters, SavedView } from "../api/types";
import { withSearch } from "../features/feed/search";
import { presets } from "../features/explorer/datasets";
import { explorePath, exporterPath } from "../lib/links";
import { setPref, usePrefs } from "../lib/prefs";
import { PRESETS } from "../lib/time";
import { Icon, type IconName } from "../ui/Icon";
import { PAGES } from "./nav";
import { useNetworkEntries } from "./network";
import css from "./Palette.module.css";
import { useTime, useTimeSearch } from "./time";

interface Command {
  group: string;
  label: string;
  hint?: string;
  icon: IconName;
  run: () => void;
}

/** All words must occur; matches at the start of a word come first. */
export function rank(label: string, words: readonly string[]): number {
  const text = label.toLowerCase();
  let score = 0;
  for (const word of words) {
    const at = text.indexOf(word);
    if (at < 0) return -1;
    score += at === 0 ? 3 : /\W/.test(text[at - 1] ?? "") ? 2 : 1;
  }
  return score;
}

function useCommands(showHelp: () => void): Command[] {
  const [, navigate] = useLocation();
  const kept = useTimeSearch();
  const { setRange } = useTime();
  const { scheme, zone } = usePrefs();
  const catalogue = useCatalogue().data;
  const views = useGet<SavedView[]>("views").data;
  const exporters = useGet<Exporters>("exporters").data;
  return useMemo(() => {
    const go = (path: string, params = ""): void => navigate(path + kept + (params ? (kept ? "&" : "?") + params : ""));
    const questions = (catalogue?.datasets ?? []).flatMap((one) => presets(one, new URLSearchParams(kept)).map((preset) => ({ ...preset, dataset: one.title })));
    const dimensions = catalogue?.datasets[0]?.dimensions.filter((one) => one.groupable) ?? [];
    return [
      ...PAGES.map((page): Command => ({ group: "Pages", label: page.title, hint: `g ${page.key}`, icon: page.icon, run: () => go(page.path) })),
      ...(views ?? []).map((view): Command => ({
        group: "Saved views", label: view.name, hint: view.mine ? "" : view.owner, icon: "save",
        run: () => navigate(String(view.state["url"] ?? "/explore")),
      })),
      ...(exporters?.exporters ?? []).map((one): Command => ({
        group: "Exporters", label: one.name, hint: one.address, icon: "exporters", run: () => navigate(exporterPath(one.address, kept)),
      })),
      ...dimensions.map((one): Command => ({ group: "Explore by", label: one.title, hint: one.name, icon: "explore", run: () => go("/explore", `by=${one.name}`) })),
      ...questions.map((one): Command => ({ group: one.dataset, label: one.title, hint: "to begin with", icon: "explore", run: () => navigate(one.href) })),
      ...PRESETS.map((preset): Command => ({ group: "Time", label: preset.label, icon: "clock", run: () => setRange(preset.range) })),
      { group: "Preferences", label: scheme === "light" ? "Dark theme" : "Light theme", icon: scheme === "light" ? "moon" : "sun", run: () => setPref("scheme", scheme === "light" ? "dark" : "light") },
      { group: "Preferences", label: zone === "utc" ? "Show times in local time" : "Show times in UTC", icon: "clock", run: () => setPref("zone", zone === "utc" ? "local" : "utc") },
      { group: "Help", label: "Keyboard shortcuts", hint: "?", icon: "keyboard", run: showHelp },
    ];
  }, [navigate, kept, setRange, scheme, zone, catalogue, views, exporters, showHelp]);
}

/** Lets so many of each group through: dozens of dimensions must not hide a device. */
function fewOfEach(most: number): (command: Command) => boolean {
  const seen = new Map<string, number>();
  return ({ group }) => {
    const count = (seen.get(group) ?? 0) + 1;
    seen.set(group, count);
    return count <= most;
  };
}

function matching(commands: readonly Command[], text: string): Command[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return commands.filter((one) => one.group !== "Explore by" && one.hint !== "to begin with").slice(0, 14);
  return commands
    .map((command) => ({ command, score: rank(`${command.label} ${command.hint ?? ""} ${command.group}`, words) }))
    .filter((one) => one.score >= 0)
    .toSorted((one, other) => other.score - one.score)
    .map((one) => one.command)
    .filter(fewOfEach(6))
    .slice(0, 14);
}

/** Whatever is typed can be looked for in the logs. */
const inLogs = (text: string, navigate: (path: string) => void, kept: string): Command => ({
  group: "Logs", label: `Search messages for “${text}”`, icon: "search", run: () => navigate(explorePath({ dataset: "logs", filter: withSearch("", ["message"], text) }, kept)),
});

export default function Palette({ close, showHelp }: { close: () => void; showHelp: () => void }) {
  const [text, setText] = useState("");
  const [active, setActive] = useState(0);
  const [, navigate] = useLocation();
  const kept = useTimeSearch();
  const network = useNetworkEntries(text, kept).map(({ path, ...entry }): Command => ({ ...entry, run: () => navigate(path) }));
  const found = matching([...useCommands(showHelp), ...network], text);
  const shown = text.trim() ? [...found.slice(0, 13), inLogs(text.trim(), (path) => navigate(path), kept)] : found;
  const run = (command: Command | undefined): void => {
    if (!command) return;
    close();
    command.run();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "ArrowDown") setActive((active + 1) % Math.max(1, shown.length));
    else if (event.key === "ArrowUp") setActive((active <= 0 ? shown.length : active) - 1);
    else if (event.key === "Enter") run(shown[active]);
    else return;
    event.preventDefault();
  };
  return (
    <Modal.Root opened onClose={close} padding={0} size={560} yOffset="14vh" centered={false}>
      <Modal.Overlay />
      <Modal.Content aria-label="Command palette">
        <div className={css.head}>
          <Icon name="search" />
          <input
            data-autofocus value={text} placeholder="Pages, devices, interfaces, sites, views, dimensions, times…" aria-label="Command" role="combobox" aria-expanded
            aria-controls="palette-list" aria-activedescendant={shown[active] ? `palette-${active}` : undefined}
            onChange={(event) => { setText(event.target.value); setActive(0); }} onKeyDown={onKeyDown}
          />
        </div>
        <ul id="palette-list" role="listbox" aria-label="Commands" className={css.list}>
          {shown.map((command, index) => (
            <li
              key={command.group + command.label + (command.hint ?? "")} id={`palette-${index}`} role="option" aria-selected={index === active}
              onMouseMove={() => setActive(index)} onClick={() => run(command)}
            >
              <Icon name={command.icon} /><span>{command.label}</span><small>{command.hint}</small><em>{command.group}</em>
            </li>
          ))}
          {shown.length === 0 && <li role="option" aria-selected={false} aria-disabled className={css.nothing}>Nothing matches</li>}
        </ul>
      </Modal.Content>
    </Modal.Root>
  );
}
