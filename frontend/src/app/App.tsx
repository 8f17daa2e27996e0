import { lazy, Suspense } from "react";
import { Redirect, Route, Switch, useLocation, useSearch } from "wouter";
import { LoadingState } from "../ui/States";
import { useSession } from "./session";
import { Shell } from "./Shell";
import { TimeProvider } from "./time";

const Login = lazy(() => import("../features/login/LoginPage"));
const Home = lazy(() => import("../features/home/HomePage"));
const Explorer = lazy(() => import("../features/explorer/ExplorerPage"));
const Topology = lazy(() => import("../features/topology/TopologyPage"));
const Devices = lazy(() => import("../features/devices/DevicesPage"));
const DeviceDetail = lazy(() => import("../features/devices/DevicePage"));
const InterfaceDetail = lazy(() => import("../features/devices/InterfacePage"));
const Events = lazy(() => import("../features/events/EventsPage"));
const EventDetail = lazy(() => import("../features/events/EventPage"));
const Synthetics = lazy(() => import("../features/synthetics/SyntheticsPage"));
const SyntheticTest = lazy(() => import("../features/synthetics/TestPage"));
const Cloud = lazy(() => import("../features/cloud/CloudPage"));
const Routing = lazy(() => import("../features/routing/RoutingPage"));
const Sources = lazy(() => import("../features/sources/SourcesPage"));
const ExporterDetail = lazy(() => import("../features/exporters/ExporterPage"));
const Settings = lazy(() => import("../features/settings/SettingsPage"));
const NotFound = lazy(() => import("./NotFound"));

/** Only paths of our own: a crafted link must not lead elsewhere after the login. */
const safePath = (path: string | null): string => (path && /^\/(?![/\\])/.test(path) ? path : "/");

/** Names of devices and interfaces may hold slashes, which stay escaped in a path. */
function unescaped(part: string | undefined): string {
  try {
    return decodeURIComponent(part ?? "");
  } catch {
    return part ?? "";
  }
}

function LoggedOut() {
  const [path] = useLocation();
  const search = useSearch();
  if (path === "/login") return <Login />;
  const from = path + (search ? `?${search}` : "");
  return <Redirect replace to={from === "/" ? "/login" : `/login?next=${encodeURIComponent(from)}`} />;
}

function Pages() {
  const search = useSearch();
  return (
    <Shell>
      <Suspense fallback={<LoadingState rows={6} />}>
        <Switch>
          <Route path="/"><Home /></Route>
          <Route path="/explore"><Explorer /></Route>
          <Route path="/topology"><Topology /></Route>
          <Route path="/devices"><Devices /></Route>
          <Route path="/devices/:name/interfaces/*">{(params) => <InterfaceDetail device={unescaped(params.name)} name={unescaped(params["*"])} />}</Route>
          <Route path="/devices/:name/:tab?">{(params) => <DeviceDetail name={unescaped(params.name)} tab={params.tab ?? "overview"} />}</Route>
          <Route path="/events/e/:id">{(params) => <EventDetail key={params.id} id={unescaped(params.id)} />}</Route>
          <Route path="/events/:part?">{(params) => <Events part={params.part ?? ""} />}</Route>
          <Route path="/synthetics/test"><SyntheticTest key={new URLSearchParams(search).get("name")} name={new URLSearchParams(search).get("name") ?? ""} /></Route>
          <Route path="/synthetics/:part?">{(params) => <Synthetics part={params.part ?? ""} />}</Route>
          <Route path="/cloud/:tab?">{(params) => <Cloud tab={params.tab ?? ""} />}</Route>
          <Route path="/routing/:tab?">{(params) => <Routing tab={params.tab ?? ""} />}</Route>
          <Route path="/sources"><Sources /></Route>
          <Route path="/sources/exporter"><ExporterDetail address={new URLSearchParams(search).get("address") ?? ""} /></Route>
          <Route path="/settings/:section?">{(params) => <Settings section={params.section ?? "profile"} />}</Route>
          <Route path="/login"><Redirect replace to={safePath(new URLSearchParams(search).get("next"))} /></Route>
          <Route><NotFound /></Route>
        </Switch>
      </Suspense>
    </Shell>
  );
}

export function App() {
  const { user } = useSession();
  if (user === undefined) return null;
  return (
    <Suspense fallback={null}>
      {user === null ? <LoggedOut /> : <TimeProvider><Pages /></TimeProvider>}
    </Suspense>
  );
}
