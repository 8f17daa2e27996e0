import { Modal } from "@mantine/core";
import css from "./Palette.module.css";
import { SHORTCUTS } from "./shortcuts";

export default function ShortcutHelp({ close }: { close: () => void }) {
  return (
    <Modal opened onClose={close} title="Keyboard" size="sm">
      <dl className={css.keys}>
        {SHORTCUTS.map(([keys, meaning]) => (
          <div key={keys}>
            <dt>{keys.split(/\s+/).map((key) => <kbd key={key}>{key}</kbd>)}</dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
