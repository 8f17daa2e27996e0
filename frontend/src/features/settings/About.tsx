import { useSession } from "../../app/session";
import { Panel } from "../../ui/Panel";
import css from "./settings.module.css";

export default function About() {
  const { health } = useSession();
  return (
    <div className={css.narrow}>
      <Panel title="Weft" hint="self-hosted network intelligence">
        <dl className={css.facts}>
          <dt>Version</dt><dd>{health?.version}</dd>
          <dt>Data</dt><dd>{health?.demo ? "Demo: simulated devices" : "From your network"}</dd>
          <dt>Licence</dt><dd>Apache 2.0</dd>
          <dt>API</dt><dd><a href="/api/v1/openapi.json">OpenAPI document</a>; everything on these pages goes through it</dd>
          <dt>Command line</dt><dd><code>weft --help</code>, <code>weft doctor</code>, <code>weft query --list</code></dd>
          <dt>Documentation</dt><dd>in <code>docs/</code> of the source: life of a flow, filters, configuration</dd>
        </dl>
      </Panel>
    </div>
  );
}
