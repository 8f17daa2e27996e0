import { useMemo } from "react";
import { diffLines, type DiffKind } from "./diff";
import css from "./feed.module.css";

const SIGN: Record<DiffKind, string> = { added: "+", removed: "−", same: "", hunk: "", file: "" };
const WORD: Partial<Record<DiffKind, string>> = { added: "added", removed: "removed" };

/** A change as it was made. Secrets never reach the page: they are masked where it is collected. */
export function DiffView({ text, label }: { text: string; label: string }) {
  const lines = useMemo(() => diffLines(text), [text]);
  return (
    <div className={css.diff} tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead className="visually-hidden"><tr><th>Line before</th><th>Line after</th><th>Sign</th><th>Text</th></tr></thead>
        <tbody>
          {lines.map((line, index) => (
            <tr key={index} data-kind={line.kind}>
              <td>{line.before}</td><td>{line.after}</td>
              <td><span aria-hidden>{SIGN[line.kind]}</span>{WORD[line.kind] && <span className="visually-hidden">{WORD[line.kind]}</span>}</td>
              <td>{line.text}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
