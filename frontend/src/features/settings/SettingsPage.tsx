import { lazy, Suspense, type ComponentType, type LazyExoticComponent } from "react";
import { useSession } from "../../app/session";
import { PageHeader } from "../../ui/PageHeader";
import { EmptyState, LoadingState } from "../../ui/States";
import { TabLinks } from "../../ui/TabLinks";

interface Section {
  path: string;
  title: string;
  page: LazyExoticComponent<ComponentType>;
  adminOnly?: boolean;
}

const SECTIONS: readonly Section[] = [
  { path: "profile", title: "Profile", page: lazy(() => import("./Profile")) },
  { path: "tokens", title: "API tokens", page: lazy(() => import("./Tokens")) },
  { path: "views", title: "Saved views", page: lazy(() => import("./Views")) },
  { path: "reference", title: "Reference tables", page: lazy(() => import("./Reference")) },
  { path: "users", title: "Users", page: lazy(() => import("./Users")), adminOnly: true },
  { path: "about", title: "About", page: lazy(() => import("./About")) },
];

export default function SettingsPage({ section }: { section: string }) {
  const { user } = useSession();
  const shown = SECTIONS.filter((one) => !one.adminOnly || user?.role === "admin");
  const current = shown.find((one) => one.path === section);
  return (
    <>
      <PageHeader title="Settings" />
      <TabLinks label="Settings" current={section} tabs={shown.map((one) => ({ key: one.path, title: one.title, href: `/settings/${one.path}` }))} />
      <Suspense fallback={<LoadingState rows={5} />}>
        {current ? <current.page /> : <EmptyState title="There is no such section" />}
      </Suspense>
    </>
  );
}
