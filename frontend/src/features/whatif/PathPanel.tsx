import { ActionIcon, Autocomplete, Button } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import { useState } from "react";
import type { NetworkPath, NetworkWay } from "../../api/types";
import { bandOf, percent } from "../../charts/topology";
import { format } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { Icon } from "../../ui/Icon";
import { StatusPill } from "../../ui/Status";
import topology from "../topology/topology.module.css";
import { placesOf } from "./ChangeForm";
import { useModel } from "./useNetwork";
import css from "./whatif.module.css";

interface PathPanelProps {
  at: string;
  from: string;
  to: string;
  find: (from: string, to: string) => void;
  answer: UseQueryResult<NetworkPath>;
  close: () => void;
}

const ms = (value: number | null): string => (value === null ? "–" : format(value / 1000, "s"));

function Hops({ way }: { way: NetworkWay }) {
  return (
    <ol className={css.hops}>
      {way.hops.map((hop, index) => (
        <li key={`${index} ${hop.node}`}>
          <b>{hop.node}</b>{hop.site && <span className="faint"> {hop.site}</span>}
          {hop.out && (
            <small>
              <i data-band={bandOf(hop.out.state.utilisation).name} />
              {percent(hop.out.state.utilisation)} of {format(hop.out.capacity_bps, "bit/s")} · {ms(hop.out.state.delay_ms)}
              {hop.ways > 1 && ` · split over ${hop.ways}, ${percent(hop.out.fraction)} here`}
            </small>
          )}
        </li>
      ))}
    </ol>
  );
}

function Direction({ title, way, usual }: { title: string; way: NetworkWay; usual: NetworkWay | null | undefined }) {
  if (!way.reachable) return <section><h3>{title}</h3><StatusPill status="bad">No way</StatusPill><p className="muted">{way.why}</p></section>;
  const facts = [`${ms(way.delay_ms)} one way`, way.loss > 0.0005 && `${percent(way.loss)} lost`, way.equal_paths > 1 && `${way.equal_paths} equal paths`, way.metric !== null && `metric ${way.metric}`, way.narrowest_bps !== null && `narrowest ${format(way.narrowest_bps, "bit/s")}`, ...way.tunnels.map((one) => `tunnel ${one}`)];
  return (
    <section>
      <h3>{title}</h3>
      <p className="muted">{facts.filter(Boolean).join(" · ")}{usual?.delay_ms !== undefined && usual.delay_ms !== null && way.delay_ms !== null && Math.abs(usual.delay_ms - way.delay_ms) > 0.05 ? ` (now ${ms(usual.delay_ms)})` : ""}</p>
      <Hops way={way} />
    </section>
  );
}

/** The way from one place to another and back, by the model. */
export function PathPanel({ at, from, to, find, answer, close }: PathPanelProps) {
  const model = useModel(at);
  const [ends, setEnds] = useState({ from, to });
  const data = model.data ? placesOf(model.data) : [];
  const ready = ends.from.trim() !== "" && ends.to.trim() !== "";
  return (
    <aside className={topology.panel} aria-label="Path">
      <header>
        <h2>Path</h2>
        <ActionIcon variant="subtle" aria-label="Close" onClick={close}><Icon name="close" /></ActionIcon>
      </header>
      <form className={css.form} onSubmit={(event) => { event.preventDefault(); if (ready) find(ends.from.trim(), ends.to.trim()); }}>
        <Autocomplete size="xs" label="From" placeholder="Site, device, address…" limit={40} data={data} value={ends.from} onChange={(value) => setEnds((old) => ({ ...old, from: value }))} />
        <Autocomplete size="xs" label="To" placeholder="Site, device, prefix, service, AS…" limit={40} data={data} value={ends.to} onChange={(value) => setEnds((old) => ({ ...old, to: value }))} />
        <div className={css.foot}>
          <Button type="submit" size="xs" disabled={!ready}>Find the path</Button>
          <Button size="xs" variant="subtle" disabled={!ready} onClick={() => find(ends.to.trim(), ends.from.trim())}>Swap</Button>
        </div>
      </form>
      {from && to && (
        <Answer of={answer} rows={6}>
          {(path) => (
            <>
              <p className="muted">{path.source.title} → {path.destination.title}</p>
              {path.changes.length > 0 && <p className={css.note}>With: {path.changes.join("; ")}</p>}
              {path.asymmetric && <StatusPill status="warn">The way back is another</StatusPill>}
              <Direction title="There" way={path.forward} usual={path.usual_forward} />
              {path.backward ? <Direction title="Back" way={path.backward} usual={path.usual_backward} /> : <p className="muted">Others decide how traffic comes back.</p>}
              {path.notes.map((note) => <p key={note} className="faint">{note}</p>)}
            </>
          )}
        </Answer>
      )}
    </aside>
  );
}
