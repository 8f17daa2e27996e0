import { Tooltip } from "@mantine/core";
import type { ReactNode } from "react";
import { ago } from "../lib/time";
import { Icon, type IconName } from "./Icon";
import css from "./ui.module.css";

/** The four things a status can say. Colour is never the only sign: icon and word go with it. */
export type Status = "good" | "warn" | "bad" | "idle";

const ICONS: Record<Status, IconName> = { good: "good", warn: "warn", bad: "bad", idle: "info" };

export const StatusIcon = ({ status, size = 16 }: { status: Status; size?: number }) => (
  <span className={css.statusIcon} data-status={status}>
    <Icon name={ICONS[status]} size={size} />
  </span>
);

export function StatusPill({ status, children }: { status: Status; children: ReactNode }) {
  return (
    <span className={css.pill} data-status={status}>
      <Icon name={ICONS[status]} size={13} strokeWidth={2} />
      {children}
    </span>
  );
}

/** Says that what is shown is older than it should be. */
export function StaleBadge({ newest, now }: { newest: number; now: number }) {
  return (
    <Tooltip label="The newest record in this range. Exporters send what they saw with a delay; a long one means that telemetry stopped coming.">
      <span className={css.pill} data-status="warn" tabIndex={0}>
        <Icon name="clock" size={13} strokeWidth={2} />
        Newest data {ago(newest, now)}
      </span>
    </Tooltip>
  );
}

export const DemoBadge = () => (
  <Tooltip label="These numbers come from simulated devices, not from your network">
    <span className={css.demo} tabIndex={0}>Demo data</span>
  </Tooltip>
);
