import { Link } from "wouter";
import type { Topology } from "../../api/types";
import { sourcesPath } from "../../lib/links";
import { CodeBlock } from "../../ui/CodeBlock";
import { EmptyState } from "../../ui/States";
import css from "./topology.module.css";

const YAML = `links:
  - a: fra-border1 et-0/0/0
    b: ams-border1 et-0/0/0
    capacity: 100G
    provider: Arelion
    circuit: ARE-4711`;

const title = (counts: Topology["counts"], site: string): string => {
  if (counts.devices === 0) return "The inventory knows no device yet";
  if (site) return "No link of this site is known";
  return counts.links > 0 ? "No link joins two sites" : "No link is known yet";
};

/** Where links come from: Weft draws what a source states and invents none. */
export function HowToLink({ counts, site }: { counts: Topology["counts"]; site: string }) {
  return (
    <div className={css.howTo}>
      <EmptyState title={title(counts, site)} icon="topology" action={<Link href={sourcesPath()}>Set up a source</Link>}>
        {counts.devices > 0 && counts.links > 0 && !site ? `${counts.links} links join devices within their sites: open one, or show all devices. ` : ""}
        Links are stated by sources, never guessed from flows. Three ways to get them:
      </EmptyState>
      <ol>
        <li><b>LLDP</b><span>Let Weft poll the devices by SNMP or subscribe by gNMI: neighbours that tell of each other become links by themselves.</span></li>
        <li><b>NetBox</b><span>Name your NetBox: sites with their coordinates, devices, interfaces, cables and circuits are read from it.</span></li>
        <li><b>A file</b><span>State them in an inventory file:</span><CodeBlock text={YAML} label="Example of links in an inventory file" /></li>
      </ol>
    </div>
  );
}
