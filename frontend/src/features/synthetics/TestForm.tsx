import { Button, Modal, NativeSelect, NumberInput, Switch, Textarea, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError, call } from "../../api/client";
import type { SyntheticTest } from "../../api/types";
import { draftOf, missing, NEW, testOf, type Draft } from "./form";
import css from "./synthetics.module.css";
import { KINDS, MESHES, type TestKind } from "./words";

/** Explanations below the fields, so that fields of a row stand in line. */
const ORDER: ("label" | "input" | "description" | "error")[] = ["label", "input", "description", "error"];

type Set = <K extends keyof Draft>(name: K, value: Draft[K]) => void;

interface PartProps {
  draft: Draft;
  set: Set;
}

function Num({ draft, set, name, label, unit = "", min = 0, max, note }: PartProps & { name: { [K in keyof Draft]: Draft[K] extends number ? K : never }[keyof Draft]; label: string; unit?: string; min?: number; max?: number; note?: string }) {
  return (
    <NumberInput
      size="sm" inputWrapperOrder={ORDER} label={label} value={draft[name]} min={min} {...(max === undefined ? {} : { max })} suffix={unit ? ` ${unit}` : ""} description={note} hideControls
      onChange={(value) => set(name, typeof value === "number" ? value : Number(value) || 0)}
    />
  );
}

const TARGETS: Record<TestKind, { label: string; placeholder: string }> = {
  ping: { label: "Targets, one a line", placeholder: "www.example.com" }, tcp: { label: "Targets, one a line", placeholder: "www.example.com" },
  trace: { label: "Targets, one a line", placeholder: "www.example.com" }, http: { label: "URLs, one a line", placeholder: "https://www.example.com/" },
  dns: { label: "Names to look up, one a line", placeholder: "www.example.com" }, throughput: { label: "Targets, one a line", placeholder: "192.0.2.10" },
};

function KindFields({ draft, set }: PartProps) {
  switch (draft.kind) {
    case "ping":
      return <Num draft={draft} set={set} name="count" label="Probes a run" min={1} max={1000} />;
    case "tcp":
      return <><Num draft={draft} set={set} name="count" label="Probes a run" min={1} max={1000} /><Num draft={draft} set={set} name="port" label="Port" min={1} max={65535} /></>;
    case "trace":
      return (
        <>
          <NativeSelect inputWrapperOrder={ORDER} label="Probes are" value={draft.protocol} onChange={(event) => set("protocol", event.target.value as Draft["protocol"])} data={[{ value: "udp", label: "UDP" }, { value: "icmp", label: "ICMP" }, { value: "tcp", label: "TCP" }]} />
          {draft.protocol === "tcp" && <Num draft={draft} set={set} name="port" label="Port" min={1} max={65535} />}
          <Num draft={draft} set={set} name="flows" label="Flows" min={1} max={128} note="so that branches show" />
          <Num draft={draft} set={set} name="max_hops" label="Most hops" min={1} max={64} />
        </>
      );
    case "http":
      return (
        <>
          <NativeSelect inputWrapperOrder={ORDER} label="Method" value={draft.method} onChange={(event) => set("method", event.target.value as Draft["method"])} data={["GET", "HEAD", "POST"]} />
          <TextInput label="Good statuses" placeholder="200 to 399" value={draft.expect_status} onChange={(event) => set("expect_status", event.target.value)} />
          <TextInput label="The answer holds" value={draft.expect_text} onChange={(event) => set("expect_text", event.target.value)} />
          <Switch label="The certificate must verify" checked={draft.verify_tls} onChange={(event) => set("verify_tls", event.target.checked)} />
          <Textarea inputWrapperOrder={ORDER} className={css.wide ?? ""} label="Headers, one a line" placeholder="Accept: text/html" autosize minRows={1} value={draft.headers} onChange={(event) => set("headers", event.target.value)} description="Credentials go into weft.yaml (secret_headers), not here." />
          {draft.method === "POST" && <Textarea className={css.wide ?? ""} label="Body" autosize minRows={2} value={draft.body} onChange={(event) => set("body", event.target.value)} />}
        </>
      );
    case "dns":
      return (
        <>
          <NativeSelect inputWrapperOrder={ORDER} label="Record" value={draft.record} onChange={(event) => set("record", event.target.value as Draft["record"])} data={["A", "AAAA", "CNAME", "MX", "NS", "TXT", "SOA", "PTR", "SRV", "CAA"]} />
          <Textarea label="Resolvers, one a line" placeholder="the agent's own" autosize minRows={1} value={draft.resolvers} onChange={(event) => set("resolvers", event.target.value)} />
          <Textarea label="Answers that must come" autosize minRows={1} value={draft.expect_answers} onChange={(event) => set("expect_answers", event.target.value)} />
        </>
      );
    case "throughput":
      return <><Num draft={draft} set={set} name="duration_s" label="For" unit="s" min={0.5} max={60} /><Num draft={draft} set={set} name="most_mbps" label="At most" unit="Mbit/s" min={0.001} /></>;
  }
}

function Limits({ draft, set }: PartProps) {
  return (
    <fieldset className={css.fields}>
      <legend>Degraded beyond <span className="faint">(0 = no limit)</span></legend>
      {draft.kind !== "http" && draft.kind !== "dns" && <Num draft={draft} set={set} name="loss_percent" label="Loss" unit="%" max={100} />}
      <Num draft={draft} set={set} name="rtt_ms" label={draft.kind === "http" || draft.kind === "dns" ? "Time for all" : "Latency"} unit="ms" />
      {(draft.kind === "ping" || draft.kind === "tcp") && <Num draft={draft} set={set} name="jitter_ms" label="Jitter" unit="ms" />}
      {draft.kind === "http" && <Num draft={draft} set={set} name="certificate_days" label="Certificate expires within" unit="days" />}
      {draft.kind === "throughput" && <Num draft={draft} set={set} name="least_mbps" label="Less than" unit="Mbit/s" />}
    </fieldset>
  );
}

interface TestFormProps {
  /** The test to change; none = a new one. */
  test?: SyntheticTest | undefined;
  close: () => void;
  saved: (name: string) => void;
}

/** Defines a test, or changes one. */
export default function TestForm({ test, close, saved }: TestFormProps) {
  const client = useQueryClient();
  const [draft, setDraft] = useState<Draft>(() => (test ? draftOf(test) : NEW));
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const set: Set = (name, value) => setDraft((old) => ({ ...old, [name]: value }));
  const lacks = missing(draft);
  const canMesh = MESHES.includes(draft.kind);
  const save = async (): Promise<void> => {
    setBusy(true);
    setError("");
    try {
      const body = testOf(draft);
      const kept = test
        ? await call<SyntheticTest>(`synthetics/test?${new URLSearchParams({ name: test.name })}`, { method: "PUT", body })
        : await call<SyntheticTest>("synthetics/tests", { body });
      await client.invalidateQueries({ predicate: (query) => String(query.queryKey[1]).startsWith("synthetics/") });
      saved(kept.name);
    } catch (reason) {
      setError(reason instanceof ApiError ? [reason.where && reason.where !== "test" ? `${reason.where}: ` : "", reason.message].join("") : String(reason));
      setBusy(false);
    }
  };
  return (
    <Modal opened onClose={close} title={test ? `Change “${test.name}”` : "New test"} size="lg">
      <form className={css.form} onSubmit={(event) => { event.preventDefault(); void save(); }}>
        <div className={css.fields}>
          <TextInput label="Name" required data-autofocus maxLength={100} value={draft.name} onChange={(event) => set("name", event.target.value)} placeholder="Order API" />
          <NativeSelect inputWrapperOrder={ORDER} label="What it does" value={draft.kind} onChange={(event) => set("kind", event.target.value as TestKind)} data={KINDS.map((one) => ({ value: one.value, label: one.label }))} description={KINDS.find((one) => one.value === draft.kind)?.does} />
        </div>
        {canMesh && <Switch label="Agents test each other (a mesh)" checked={draft.mesh} onChange={(event) => set("mesh", event.target.checked)} />}
        {!(draft.mesh && canMesh) && <Textarea label={TARGETS[draft.kind].label} placeholder={TARGETS[draft.kind].placeholder} autosize minRows={2} maxRows={8} value={draft.targets} onChange={(event) => set("targets", event.target.value)} />}
        <div className={css.fields}>
          <Textarea inputWrapperOrder={ORDER} label="Agents, one a line" autosize minRows={1} maxRows={6} value={draft.agents} onChange={(event) => set("agents", event.target.value)} description="by name; * and ? stand for any" />
          <Num draft={draft} set={set} name="every_s" label="Every" unit="s" min={1} max={86400} />
          <Num draft={draft} set={set} name="timeout_ms" label="Wait for an answer" unit="ms" min={10} max={60000} />
          <NativeSelect inputWrapperOrder={ORDER} label="Addresses" value={draft.family} onChange={(event) => set("family", event.target.value as Draft["family"])} data={[{ value: "any", label: "IPv4 or IPv6" }, { value: "ipv4", label: "IPv4" }, { value: "ipv6", label: "IPv6" }]} />
        </div>
        <div className={css.fields}><KindFields draft={draft} set={set} /></div>
        <Limits draft={draft} set={set} />
        <Switch label="Runs" checked={draft.enabled} onChange={(event) => set("enabled", event.target.checked)} />
        {error && <p className={css.error} role="alert">{error}</p>}
        <div className={css.formEnd}>
          {lacks && <span className="faint">{lacks}</span>}
          <Button variant="default" onClick={close}>Cancel</Button>
          <Button type="submit" loading={busy} disabled={lacks !== ""}>{test ? "Save" : "Define test"}</Button>
        </div>
      </form>
    </Modal>
  );
}
