import { Button, Skeleton } from "@mantine/core";
import type { ReactNode } from "react";
import { ApiError } from "../api/client";
import { Icon, type IconName } from "./Icon";
import css from "./ui.module.css";

interface EmptyStateProps {
  title: string;
  children?: ReactNode;
  icon?: IconName;
  action?: ReactNode;
}

export function EmptyState({ title, children, icon = "search", action }: EmptyStateProps) {
  return (
    <div className={css.state}>
      <Icon name={icon} size={26} strokeWidth={1.4} />
      <h3>{title}</h3>
      {children && <div className="muted">{children}</div>}
      {action}
    </div>
  );
}

/** Grey bars in the shape of what is coming, so that nothing jumps when it arrives. */
export function LoadingState({ height = 240, rows = 0 }: { height?: number; rows?: number }) {
  return (
    <div role="status" aria-label="Loading" className={css.loading}>
      {rows > 0
        ? Array.from({ length: rows }, (_, index) => <Skeleton key={index} height={18} width={`${96 - ((index * 17) % 38)}%`} />)
        : <Skeleton height={height} radius="md" />}
    </div>
  );
}

/** What went wrong, where, and what to do about it, in the server's own words. */
export function ErrorState({ error, retry }: { error: unknown; retry?: () => void }) {
  const known = error instanceof ApiError ? error : null;
  const message = error instanceof Error ? error.message : String(error);
  return (
    <div className={css.state} role="alert">
      <span className={css.statusIcon} data-status="bad"><Icon name="warn" size={26} strokeWidth={1.4} /></span>
      <h3>{message}</h3>
      {known?.where && !message.includes(known.where) && <code>{known.where}</code>}
      {known?.fix && !message.includes(known.fix) && <p className="muted">{known.fix.replace(/\.?$/, ".")}</p>}
      {retry && <Button variant="default" leftSection={<Icon name="refresh" size={14} />} onClick={retry}>Try again</Button>}
    </div>
  );
}
