import { Button } from "@mantine/core";
import { useState } from "react";
import { Icon } from "./Icon";
import css from "./ui.module.css";

export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return (
    <Button size="compact-xs" variant="default" leftSection={<Icon name={done ? "check" : "copy"} size={12} />} onClick={() => void copy()}>
      {done ? "Copied" : label}
    </Button>
  );
}

/** Text to be pasted elsewhere. */
export function CodeBlock({ text, label }: { text: string; label: string }) {
  return (
    <div className={css.code}>
      <pre tabIndex={0} aria-label={label}>{text}</pre>
      <CopyButton text={text} />
    </div>
  );
}
