import { Suspense, type ComponentType } from "react";
import { PageHeader } from "./PageHeader";
import { LoadingState } from "./States";
import { TabLinks } from "./TabLinks";
import { TimeRangePicker } from "./TimeRangePicker";

/** A part of a page that is loaded when it is opened; the first one has no key. */
export interface PagePart {
  key: string;
  title: string;
  show: ComponentType;
}

interface TabPageProps {
  title: string;
  subtitle: string;
  parts: readonly PagePart[];
  current: string;
  hrefOf: (key: string) => string;
}

/** A page of several parts that share the time range, each with an address of its own. */
export function TabPage({ title, subtitle, parts, current, hrefOf }: TabPageProps) {
  const part = parts.find((one) => one.key === current) ?? parts[0];
  const Show = part?.show;
  return (
    <>
      <PageHeader title={title} subtitle={subtitle}><TimeRangePicker /></PageHeader>
      <TabLinks label={title} current={part?.key ?? ""} tabs={parts.map((one) => ({ key: one.key, title: one.title, href: hrefOf(one.key) }))} />
      <Suspense fallback={<LoadingState rows={8} />}>{Show && <Show />}</Suspense>
    </>
  );
}
