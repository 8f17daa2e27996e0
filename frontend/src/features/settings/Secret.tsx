import { Button } from "@mantine/core";
import { useState } from "react";
import { Icon } from "../../ui/Icon";
import css from "./settings.module.css";

/** Something shown this once. */
export function Secret({ label, value }: { label: string; value: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(value);
    setCopied(true);
  };
  return (
    <div className={css.secret} role="status">
      <b>{label}</b>
      <code>{value}</code>
      <p className="muted">It is shown this once; Weft keeps only a hash of it.</p>
      <div><Button size="compact-sm" variant="default" leftSection={<Icon name={copied ? "check" : "copy"} size={13} />} onClick={() => void copy()}>{copied ? "Copied" : "Copy"}</Button></div>
    </div>
  );
}
