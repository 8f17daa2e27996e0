import type { SyntheticTest, TestPage } from "../../api/types";
import { usePrefs } from "../../lib/prefs";
import { dateTime } from "../../lib/time";
import { format, plural } from "../../lib/units";
import { FactList, type Facts } from "../../ui/FactList";
import layout from "../../ui/layout.module.css";
import { Panel } from "../../ui/Panel";
import { everyWords, kindName } from "./words";

const FAMILIES = { any: "IPv4 or IPv6", ipv4: "IPv4", ipv6: "IPv6" } as const;

/** What counts for its kind. */
function details(test: SyntheticTest): Facts {
  switch (test.kind) {
    case "ping":
      return [["Probes a run", test.count], ["Between probes", `${test.interval_ms} ms`], ["Data in a probe", `${test.size} B`]];
    case "tcp":
      return [["Port", test.port], ["Probes a run", test.count], ["Between probes", `${test.interval_ms} ms`]];
    case "trace":
      return [["Probes are", test.protocol.toUpperCase()], ["Port", test.protocol === "tcp" && test.port], ["Flows", test.flows], ["Most hops", test.max_hops]];
    case "http":
      return [
        ["Method", test.method], ["Good statuses", test.expect_status.join(", ") || "200 to 399"], ["The answer holds", test.expect_text], ["Certificate", test.verify_tls ? "must verify" : "need not verify"],
        ["Headers", Object.entries(test.headers).map(([name, value]) => <div key={name}><code>{name}: {value}</code></div>)], ["Body", test.body && <code key="body">{test.body}</code>],
      ];
    case "dns":
      return [["Record", test.record], ["Resolvers", test.resolvers.join(", ") || "each agent's own"], ["Answers that must come", test.expect_answers.join(", ")]];
    case "throughput":
      return [["Lasts", `${test.duration_s} s`], ["At most", format(test.most_bps, "bit/s")]];
  }
}

function limits({ kind, limits: one }: SyntheticTest): Facts {
  return [
    ["Loss", one.loss_percent > 0 && `more than ${format(one.loss_percent, "%")}`], ["Latency", one.rtt_ms > 0 && `more than ${format(one.rtt_ms, "ms")}`], ["Jitter", one.jitter_ms > 0 && `more than ${format(one.jitter_ms, "ms")}`],
    ["Certificate", kind === "http" && one.certificate_days > 0 && `expires within ${plural(one.certificate_days, "day")}`], ["Throughput", one.throughput_bps > 0 && `less than ${format(one.throughput_bps, "bit/s")}`],
  ];
}

export function Definition({ page }: { page: TestPage }) {
  const { zone } = usePrefs();
  const { row, test } = page;
  return (
    <div className={layout.columns}>
      <Panel title="What it does">
        <FactList
          facts={[
            ["Kind", kindName(test.kind)], ["Every", everyWords(test.every_s)], ["Waits", `${test.timeout_ms} ms for an answer`], ["Addresses", FAMILIES[test.family]], ["Runs", test.enabled ? "yes" : "no, it is switched off"],
            ["Targets", test.mesh ? "each other (a mesh)" : test.targets.map((one) => <div key={one}>{one}</div>)], ...details(test),
          ]}
        />
      </Panel>
      <Panel title="Who runs it">
        <FactList facts={[["Named", test.agents.join(", ")], ["Now", row.agents.join(", ") || "no agent matches"]]} />
      </Panel>
      <Panel title="Degraded when"><FactList facts={limits(test)} /></Panel>
      <Panel title="Where it is written">
        <FactList facts={[["Where", row.origin === "settings" ? "weft.yaml, synthetics.tests: it is changed there" : "here"], ["By", row.author], ["Changed", row.updated !== null && dateTime(row.updated, zone)]]} />
      </Panel>
    </div>
  );
}
