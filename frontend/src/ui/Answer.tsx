import { Button } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import css from "./Chart.module.css";
import { ErrorState, LoadingState } from "./States";

interface AnswerProps<T> {
  of: UseQueryResult<T>;
  /** Height of the skeleton while nothing is known yet. */
  height?: number;
  rows?: number;
  children: (data: T) => ReactNode;
}

/**
 * The life of an answer: skeleton → data → (dimmed while a newer one loads) → error with retry. An error never takes
 * away what is already on the screen.
 */
export function Answer<T>({ of, height = 240, rows = 0, children }: AnswerProps<T>) {
  const retry = (): void => void of.refetch();
  if (of.data === undefined) {
    return of.isError ? <ErrorState error={of.error} retry={retry} /> : <LoadingState height={height} rows={rows} />;
  }
  const loading = of.isPlaceholderData && of.isFetching;
  return (
    <div className={css.answer} data-stale={loading || undefined} aria-busy={loading}>
      {loading && <div className={css.progress} />}
      {of.isError && (
        <div className={css.notice} role="alert">
          <span>{of.error.message}</span>
          <Button size="compact-xs" variant="default" onClick={retry}>Try again</Button>
        </div>
      )}
      <div className={css.dimmed}>{children(of.data)}</div>
    </div>
  );
}
