import { Button } from "@mantine/core";
import { lazy, Suspense } from "react";
import { Link } from "wouter";
import type { Device } from "../../api/types";
import { useTimeSearch } from "../../app/time";
import { explorePath, withParams } from "../../lib/links";
import { statusOf, wordOf } from "../../lib/verdict";
import { Answer } from "../../ui/Answer";
import { Icon } from "../../ui/Icon";
import { PageHeader } from "../../ui/PageHeader";
import { LoadingState } from "../../ui/States";
import { StatusPill } from "../../ui/Status";
import { TabLinks, type Tab } from "../../ui/TabLinks";
import { TimeRangePicker } from "../../ui/TimeRangePicker";
import { DeviceOverview } from "./DeviceOverview";
import css from "./devices.module.css";
import { FeedPanel } from "./FeedPanel";
import { InterfacesPanel } from "./InterfacesPanel";
import { Neighbours } from "./Neighbours";
import { deviceApi, usePage } from "./usePage";

const ConfigVersions = lazy(() => import("./ConfigVersions"));
const DeviceInventory = lazy(() => import("./DeviceInventory"));

function tabsOf(device: Device, kept: string): Tab[] {
  const at = (tab: string): string => withParams(`/devices/${encodeURIComponent(device.name)}${tab === "overview" ? "" : `/${tab}`}`, kept, {});
  const links = device.interfaces.filter((row) => row.peer).length;
  const conflicts = device.attributes.filter((claim) => Object.keys(claim.others).length > 0).length;
  return [
    { key: "overview", title: "Overview", href: at("overview") },
    { key: "interfaces", title: "Interfaces", href: at("interfaces"), count: device.interfaces.length },
    { key: "neighbours", title: "Neighbours", href: at("neighbours"), count: links + new Set(device.bgp.map((one) => one.peer)).size },
    { key: "logs", title: "Logs", href: at("logs"), count: device.happened.logs },
    { key: "changes", title: "Config changes", href: at("changes"), count: device.happened.changes },
    { key: "inventory", title: "Inventory", href: at("inventory"), count: conflicts || undefined },
  ];
}

const TABS = ["overview", "interfaces", "neighbours", "logs", "changes", "inventory"];

function Identity({ device }: { device: Device }) {
  const kept = useTimeSearch();
  const model = [device.vendor, device.model].filter(Boolean).join(" ");
  const system = [device.os, device.os_version].filter(Boolean).join(" ");
  const parts = [device.addresses[0] === device.name ? "" : device.addresses[0], device.role, model, system].filter(Boolean);
  return (
    <span className={css.identity}>
      {device.site && <Link href={withParams("/topology", kept, { site: device.site })}>{device.site_title || device.site}</Link>}
      {parts.map((part) => <span key={part}>{part}</span>)}
    </span>
  );
}

function Tab({ device, tab }: { device: Device; tab: string }) {
  switch (tab) {
    case "interfaces":
      return <InterfacesPanel device={device} />;
    case "neighbours":
      return <Neighbours device={device} />;
    case "logs":
      return <FeedPanel dataset="logs" title="Log messages" filter={device.filter} empty="It said nothing" />;
    case "changes":
      return (
        <>
          <FeedPanel dataset="changes" title="Changes" filter={device.filter} empty="No change is known" />
          <Suspense fallback={<LoadingState rows={4} />}><ConfigVersions device={device.name} /></Suspense>
        </>
      );
    case "inventory":
      return <Suspense fallback={<LoadingState rows={8} />}><DeviceInventory device={device} /></Suspense>;
    default:
      return <DeviceOverview device={device} />;
  }
}

export default function DevicePage({ name, tab }: { name: string; tab: string }) {
  const kept = useTimeSearch();
  const answer = usePage<Device>(deviceApi(name));
  const shown = TABS.includes(tab) ? tab : "overview";
  const device = answer.data;
  return (
    <>
      <PageHeader title={device?.name ?? name} before={<Link href={`/devices${kept}`} aria-label="All devices"><Icon name="left" /></Link>} subtitle={device && <Identity device={device} />}>
        {device && <StatusPill status={statusOf(device.status)}>{wordOf(device.status)}</StatusPill>}
        {device?.exporter && <Button component={Link} variant="default" px="sm" href={explorePath({ filter: device.filter }, kept)} leftSection={<Icon name="explore" size={14} />}>Its flows</Button>}
        <TimeRangePicker />
      </PageHeader>
      <Answer of={answer} rows={10}>
        {(data) => <><TabLinks label="Parts of the device" tabs={tabsOf(data, kept)} current={shown} /><Tab device={data} tab={shown} /></>}
      </Answer>
    </>
  );
}
