import { ActionIcon, Button, Modal } from "@mantine/core";
import { useState } from "react";
import { Icon } from "../../ui/Icon";

interface ConfirmProps {
  label: string;
  question: string;
  /** What will be lost. */
  consequence: string;
  act: () => void;
}

/** A delete button that asks once. */
export function ConfirmDelete({ label, question, consequence, act }: ConfirmProps) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <ActionIcon aria-label={label} onClick={() => setOpen(true)}><Icon name="trash" /></ActionIcon>
      <Modal opened={open} onClose={() => setOpen(false)} title={question} size="sm">
        <p className="muted">{consequence}</p>
        <div style={{ display: "flex", gap: "var(--s2)", justifyContent: "flex-end", marginTop: "var(--s4)" }}>
          <Button variant="default" onClick={() => setOpen(false)}>Cancel</Button>
          <Button color="red" onClick={() => { setOpen(false); act(); }}>Delete</Button>
        </div>
      </Modal>
    </>
  );
}
