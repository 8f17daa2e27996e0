import { ActionIcon, Menu, Tooltip } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import { Link } from "wouter";
import { call } from "../../api/client";
import type { ViewResult } from "../../api/types";
import { useTime, useTimeSearch } from "../../app/time";
import { Icon } from "../../ui/Icon";
import { notify } from "../../ui/toast";
import { during, exploreQuery, type Posted } from "./ask";

const QueryDrawer = lazy(() => import("../explorer/QueryDrawer").then((module) => ({ default: module.QueryDrawer })));

/** What a number rests on: the question in the explorer, or with its SQL. `result` saves asking again. */
export function ShowQuery({ query, what, result }: { query: Posted; what: string; result?: ViewResult | undefined }) {
  const kept = useTimeSearch();
  const { range } = useTime();
  const [shown, setShown] = useState<ViewResult>();
  const show = (): void => {
    if (result) return setShown(result);
    call<ViewResult>("query", { body: during(query, range) }).then(setShown, (error: Error) => notify("bad", error.message));
  };
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <Tooltip label="Show query"><ActionIcon variant="subtle" aria-label={`Query of ${what}`}><Icon name="code" size={14} /></ActionIcon></Tooltip>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<Icon name="explore" />} component={Link} href={exploreQuery(query, kept)}>Open in the explorer</Menu.Item>
          <Menu.Item leftSection={<Icon name="code" />} onClick={show}>Show query</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {shown && <Suspense fallback={null}><QueryDrawer result={shown} close={() => setShown(undefined)} /></Suspense>}
    </>
  );
}
