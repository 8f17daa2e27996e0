import { Button } from "@mantine/core";
import { call } from "../../api/client";
import { useChange, useGet } from "../../api/queries";
import type { Channel, Channels } from "../../api/types";
import { useSession } from "../../app/session";
import { useNow } from "../../app/time";
import { ago } from "../../lib/time";
import { grouped, plural } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { CodeBlock } from "../../ui/CodeBlock";
import { DataTable, type Column } from "../../ui/DataTable";
import { Panel } from "../../ui/Panel";
import { EmptyState } from "../../ui/States";
import { notify } from "../../ui/toast";
import css from "./events.module.css";
import { GROUPS, severityWord } from "./words";

const WAYS: Record<Channel["way"], string> = { apprise: "Apprise", pagerduty: "PagerDuty", webhook: "Webhook" };
const RECIPE = `notify:
  public_url: https://weft.example.net
  channels:
    - {name: noc chat, apprise: {file: /run/secrets/slack}, min_severity: major}
    - {name: on call, pagerduty: {env: PAGERDUTY_KEY}, min_severity: critical}
    - {name: automation, webhook: https://hooks.example.net/weft, min_severity: info}`;

export default function ChannelsTab() {
  const now = useNow(15);
  const isAdmin = useSession().user?.role === "admin";
  const answer = useGet<Channels>("channels", 15_000);
  const test = useChange((name: string) => call(`channels/test?${new URLSearchParams({ name })}`, { method: "POST" }), "channels");
  const send = (name: string): void => test.mutate(name, { onSuccess: () => notify("good", `${name} took the message`), onError: (error) => notify("bad", error.message) });
  const columns: Column<Channel>[] = [
    { key: "name", title: "Channel", sort: (one) => one.name, render: (one) => <span className={css.what}><span>{one.name} <span className="faint">{WAYS[one.way]}</span></span>{one.last_error && <small><span className={css.error}>{one.last_error}</span></small>}</span> },
    { key: "wants", title: "Is told of", render: (one) => <>{severityWord(one.min_severity)}{one.min_severity === "critical" ? "" : " and worse"}{one.groups.length > 0 && <span className="faint"> of {one.groups.map((group) => GROUPS[group]).join(", ")}</span>}</> },
    { key: "sent", title: "Sent", numeric: true, sort: (one) => one.sent, render: (one) => grouped(one.sent) },
    { key: "last", title: "Last", numeric: true, sort: (one) => one.last_sent_s, render: (one) => (one.last_sent_s === null ? <span className="faint">never</span> : ago(one.last_sent_s, now)) },
    { key: "waiting", title: "Waiting", numeric: true, sort: (one) => one.waiting, render: (one) => one.waiting },
    { key: "spared", title: "Spared", numeric: true, hint: "Over before it was told, told before, or summed up", sort: (one) => one.held + one.repeated + one.summed_up, render: (one) => <span title={`${one.held} over soon, ${one.repeated} told before, ${one.summed_up} summed up`}>{grouped(one.held + one.repeated + one.summed_up)}</span> },
    { key: "failed", title: "Given up", numeric: true, sort: (one) => one.failed + one.dropped, render: (one) => one.failed + one.dropped },
    { key: "test", title: <span className="visually-hidden">Test</span>, render: (one) => isAdmin && <Button size="compact-xs" variant="default" loading={test.isPending && test.variables === one.name} onClick={() => send(one.name)}>Send a test</Button> },
  ];
  return (
    <Answer of={answer} rows={6}>
      {(data) => (data.channels.length === 0 ? (
        <Panel>
          <EmptyState title="Nobody is told of events" icon="info">Name channels in weft.yaml: chat, mail, pagers, webhooks. Each event is told once, what is over soon is not, and a flood is summed up.</EmptyState>
          <CodeBlock text={RECIPE} label="Channels in weft.yaml" />
        </Panel>
      ) : (
        <Panel title={plural(data.channels.length, "channel")} hint="who is told of which events; set in weft.yaml" flush>
          <DataTable columns={columns} rows={data.channels} rowKey={(one) => one.name} caption="Channels of notifications" rowHeight={52} />
        </Panel>
      ))}
    </Answer>
  );
}
