import { ActionIcon, Tooltip } from "@mantine/core";
import { useEffect, useId, useRef, useState, type KeyboardEvent } from "react";
import { Icon } from "../../ui/Icon";
import css from "./FilterBar.module.css";
import { tokenize } from "./highlight";
import { useCompletion, type CompletionState } from "./useCompletion";
import { useFilterCheck } from "./useFilterCheck";

interface FilterBarProps {
  /** Whose fields and values are completed. */
  dataset: string;
  placeholder?: string;
  value: string;
  onApply: (filter: string) => void;
}

/** Colours under a transparent text area; what is wrong is underlined where it is wrong. */
function Highlights({ text, errorAt }: { text: string; errorAt: number | null }) {
  return (
    <pre className={css.highlights} aria-hidden>
      {tokenize(text).map((token) => (
        <span key={token.at} data-kind={token.kind} data-wrong={(errorAt !== null && errorAt >= token.at && errorAt < token.at + token.text.length) || undefined}>
          {token.text}
        </span>
      ))}
      {errorAt !== null && errorAt >= text.length ? <span data-wrong>&nbsp;</span> : "\n"}
    </pre>
  );
}

function Options({ id, state, pick }: { id: string; state: CompletionState; pick: (index: number) => void }) {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    list.current?.children[state.active]?.scrollIntoView({ block: "nearest" });
  }, [state.active]);
  return (
    <ul ref={list} id={id} role="listbox" aria-label="Completions" className={css.options}>
      {state.options.map((option, index) => (
        <li
          key={option.kind + option.label} id={`${id}-${index}`} role="option" aria-selected={index === state.active}
          onMouseDown={(event) => { event.preventDefault(); pick(index); }}
        >
          <span className={css.optionKind} data-kind={option.kind}>{option.kind.slice(0, 1).toUpperCase()}</span>
          <span className={css.optionLabel}>{option.label}</span>
          <span className={css.optionDetail}>{option.detail}</span>
        </li>
      ))}
    </ul>
  );
}

/** How a filter of flows is written. */
export const PLACEHOLDER = "dst_as = AS64501 AND in_if_boundary = external";

export function FilterBar({ dataset, placeholder = PLACEHOLDER, value, onApply }: FilterBarProps) {
  const id = useId();
  const input = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(value);
  const [known, setKnown] = useState(value);
  if (known !== value) {
    setKnown(value);
    setText(value);
  }
  const completion = useCompletion(dataset, input, text, setText);
  const wrong = useFilterCheck(dataset, text);
  const problem = wrong && completion.open && wrong.position >= completion.from ? null : wrong; // half typed is not wrong yet

  const apply = (next: string): void => {
    completion.close();
    onApply(next.trim());
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    if (completion.onKeyDown(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      apply(text);
    } else if (event.key === "Escape") {
      setText(value);
      input.current?.blur();
    }
  };

  return (
    <div className={css.bar} data-invalid={problem ? true : undefined} role="search">
      <Icon name="filter" className={css.lead} />
      <div className={css.field}>
        <Highlights text={text} errorAt={problem?.position ?? null} />
        <textarea
          ref={input} rows={1} value={text} spellCheck={false} autoComplete="off" autoCapitalize="off" data-filter
          className={css.input} aria-label="Filter" placeholder={placeholder ? `Filter, e.g. ${placeholder}` : "Filter"}
          role="combobox" aria-autocomplete="list" aria-expanded={completion.open} aria-controls={completion.open ? id : undefined}
          aria-activedescendant={completion.open && completion.active >= 0 ? `${id}-${completion.active}` : undefined}
          aria-invalid={problem ? true : undefined} aria-describedby={problem ? `${id}-problem` : undefined}
          onChange={(event) => { setText(event.target.value.replaceAll("\n", " ")); completion.request(); }}
          onKeyDown={onKeyDown} onClick={completion.request} onFocus={completion.request} onBlur={completion.close}
        />
        <div className={css.below}>
          {problem && <p id={`${id}-problem`} className={css.problem} role="status">{problem.message}{problem.fix ? ` – ${problem.fix}` : ""}</p>}
          {completion.open && <Options id={id} state={completion} pick={completion.pick} />}
        </div>
      </div>
      {text !== value && <kbd className={css.hint}>↵ apply</kbd>}
      {text && (
        <Tooltip label="Clear the filter">
          <ActionIcon aria-label="Clear the filter" size={24} onClick={() => { setText(""); apply(""); }}><Icon name="close" size={14} /></ActionIcon>
        </Tooltip>
      )}
    </div>
  );
}
