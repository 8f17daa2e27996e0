import { Button, Drawer } from "@mantine/core";
import { useMemo, useState } from "react";
import { Link } from "wouter";
import { useGet } from "../../api/queries";
import type { ConfigDiff, ConfigText, ConfigVersion, ConfigVersions as Versions } from "../../api/types";
import { sourcesPath } from "../../lib/links";
import { usePrefs } from "../../lib/prefs";
import { dateTime, type Zone } from "../../lib/time";
import { grouped, plural } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { CodeBlock } from "../../ui/CodeBlock";
import { DataTable, type Column } from "../../ui/DataTable";
import layout from "../../ui/layout.module.css";
import { LineCounts } from "../../ui/LineCounts";
import { Panel } from "../../ui/Panel";
import { EmptyState } from "../../ui/States";
import { DiffView } from "../feed/DiffView";
import { deviceApi } from "./usePage";

interface Opened {
  version: ConfigVersion;
  what: "diff" | "text";
}

function columnsWith(zone: Zone, open: (opened: Opened) => void): Column<ConfigVersion>[] {
  return [
    { key: "number", title: "Version", sort: (row) => row.number, render: (row) => row.number },
    { key: "time", title: "Since", sort: (row) => row.time, render: (row) => dateTime(row.time, zone, true) },
    { key: "author", title: "Author", sort: (row) => row.author, render: (row) => row.author || <span className="faint">–</span> },
    { key: "title", title: "What", render: (row) => row.title || row.sections.join(", ") || <span className="faint">–</span> },
    { key: "lines", title: "Lines", numeric: true, sort: (row) => row.lines, render: (row) => grouped(row.lines) },
    { key: "change", title: "Changed", numeric: true, hint: "Lines that came and went since the version before", sort: (row) => row.added + row.removed, render: (row) => <LineCounts added={row.added} removed={row.removed} /> },
    {
      key: "open", title: <span className="visually-hidden">Open</span>,
      render: (row) => (
        <span className={layout.beside}>
          {row.number > 1 && <Button size="compact-xs" variant="default" onClick={() => open({ version: row, what: "diff" })} aria-label={`What changed in version ${row.number}`}>What changed</Button>}
          <Button size="compact-xs" variant="default" onClick={() => open({ version: row, what: "text" })} aria-label={`Text of version ${row.number}`}>Text</Button>
        </span>
      ),
    },
  ];
}

function Difference({ device, number }: { device: string; number: number }) {
  const answer = useGet<ConfigDiff>(`${deviceApi(device)}/configs/${number}/diff`);
  return (
    <Answer of={answer} rows={8}>
      {(data) => <><p className="muted">Against version {data.old}{data.sections.length > 0 && `, in ${data.sections.join(", ")}`}</p><DiffView text={data.diff} label={`What changed in version ${number}`} /></>}
    </Answer>
  );
}

function Whole({ device, number }: { device: string; number: number }) {
  const answer = useGet<ConfigText>(`${deviceApi(device)}/configs/${number}`);
  return <Answer of={answer} rows={12}>{(data) => <CodeBlock text={data.text} label={`Configuration, version ${number}`} />}</Answer>;
}

/** Versions of the configuration as collected, secrets masked; what changed from one to the next. */
export default function ConfigVersions({ device }: { device: string }) {
  const { zone } = usePrefs();
  const [opened, setOpened] = useState<Opened>();
  const answer = useGet<Versions>(`${deviceApi(device)}/configs`, 60_000);
  const columns = useMemo(() => columnsWith(zone, setOpened), [zone]);
  return (
    <Panel title="Versions of the configuration" hint={answer.data ? `${plural(answer.data.versions.length, "version")}, secrets masked` : undefined} flush>
      <Answer of={answer} rows={4}>
        {(data) => (
          <DataTable
            columns={columns} rows={data.versions} rowKey={(row) => String(row.number)} caption="Versions of the configuration" maxHeight={420}
            empty={<EmptyState title="Its configuration is not collected" icon="code" action={<Link href={sourcesPath()}>Set up a source</Link>}>Weft reads configurations by SSH, or from a directory that others write to.</EmptyState>}
          />
        )}
      </Answer>
      <Drawer opened={opened !== undefined} onClose={() => setOpened(undefined)} size={780} title={opened?.what === "diff" ? `What changed in version ${opened.version.number}` : `Version ${opened?.version.number ?? ""}`}>
        {opened?.what === "diff" && <Difference device={device} number={opened.version.number} />}
        {opened?.what === "text" && <Whole device={device} number={opened.version.number} />}
      </Drawer>
    </Panel>
  );
}
