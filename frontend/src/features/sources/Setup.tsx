import { SegmentedControl } from "@mantine/core";
import { useState } from "react";
import { useGet } from "../../api/queries";
import type { Recipe } from "../../api/types";
import { CodeBlock } from "../../ui/CodeBlock";
import type { Kind } from "./kinds";
import css from "./sources.module.css";

/** A kind that nothing sends yet: what it would bring, and what to paste where. */
export function Setup({ kind }: { kind: Kind }) {
  const [chosen, setChosen] = useState(0);
  const recipes = (useGet<Recipe[]>("sources/recipes").data ?? []).filter((one) => one.kind === kind.kind);
  const recipe = recipes[chosen];
  return (
    <div className={css.setup}>
      <p>{kind.brings}.</p>
      {recipes.length > 1 && (
        <SegmentedControl size="xs" w="fit-content" aria-label="Where" value={String(chosen)} onChange={(value) => setChosen(Number(value))} data={recipes.map((one, index) => ({ value: String(index), label: one.where }))} />
      )}
      {recipes.length === 1 && recipe && <p>In <b>{recipe.where}</b>:</p>}
      {recipe && <CodeBlock text={recipe.text} label={`Configuration for ${recipe.where}`} />}
      <p>Everything that can be set is in <code>{kind.docs}</code>; <code>weft config check</code> says what is wrong with a setting. The page changes by itself with the first {kind.noun}.</p>
    </div>
  );
}
