import { SegmentedControl } from "@mantine/core";
import { useState } from "react";
import type { Pipeline } from "../../api/types";
import { grouped } from "../../lib/units";
import { CodeBlock } from "../../ui/CodeBlock";
import css from "./home.module.css";

const HOST = "WEFT-ADDRESS";

interface Recipe {
  name: string;
  text: (port: number) => string;
}

const RECIPES: readonly Recipe[] = [
  {
    name: "Cisco IOS XE",
    text: (port) => `flow exporter WEFT
 destination ${HOST}
 transport udp ${port}
 template data timeout 60
flow monitor WEFT
 exporter WEFT
 record netflow ipv4 original-input
 cache timeout active 60
interface GigabitEthernet0/0/0
 ip flow monitor WEFT input`,
  },
  {
    name: "Juniper",
    text: (port) => `set services flow-monitoring version-ipfix template weft ipv4-template
set services flow-monitoring version-ipfix template weft flow-active-timeout 60
set services flow-monitoring version-ipfix template weft template-refresh-rate seconds 60
set forwarding-options sampling instance weft input rate 1000
set forwarding-options sampling instance weft family inet output flow-server ${HOST} port ${port}
set forwarding-options sampling instance weft family inet output flow-server ${HOST} version-ipfix template weft
set forwarding-options sampling instance weft family inet output inline-jflow source-address ROUTER-ADDRESS`,
  },
  {
    name: "Arista (sFlow)",
    text: () => `sflow sample 16384
sflow polling-interval 20
sflow destination ${HOST} 6343
sflow source-interface Management1
sflow run`,
  },
  {
    name: "MikroTik",
    text: (port) => `/ip traffic-flow set enabled=yes active-flow-timeout=1m
/ip traffic-flow target add dst-address=${HOST} port=${port} version=ipfix`,
  },
  { name: "Linux", text: (port) => `softflowd -i eth0 -v 10 -n ${HOST}:${port} -t maxlife=60` },
];

/** What to do when nothing has arrived yet; the page changes by itself with the first datagram. */
export function Connect({ pipeline }: { pipeline: Pipeline }) {
  const [name, setName] = useState(RECIPES[0]?.name ?? "");
  const recipe = RECIPES.find((one) => one.name === name);
  const port = pipeline.listeners.find((one) => one.port !== 6343)?.port ?? 2055;
  return (
    <div className={css.connect}>
      <p>
        Point NetFlow, IPFIX or sFlow of your routers at this machine. Weft listens on UDP{" "}
        {pipeline.listeners.map((one, index) => <span key={`${one.address}:${one.port}`}>{index > 0 && ", "}<code>{one.port}</code></span>)}
        {pipeline.listeners.length === 0 && <b>no port: see <code>collect.listeners</code> in weft.yaml</b>}; any of them takes all four protocols.
      </p>
      <SegmentedControl size="xs" aria-label="Device" value={name} onChange={setName} data={RECIPES.map((one) => one.name)} />
      <CodeBlock text={recipe?.text(port) ?? ""} label={`Configuration for ${name}`} />
      <p className="muted">
        Replace <code>{HOST}</code> by this machine's address as the router sees it. No router at hand? <code>weft demo</code> shows Weft with simulated ones.
      </p>
      <p className={css.waiting} role="status"><i className="pulse" />Waiting for the first datagram{pipeline.received > 0 ? `: ${grouped(pipeline.received)} received, none decoded yet` : "…"}</p>
    </div>
  );
}
