/** What the API takes and returns, by short names; generated from its OpenAPI document (`npm run types`). */
import type { components } from "./schema";

type Schemas = components["schemas"];

/** Posted as it is; what is left out takes the server's default. */
export type Query = Partial<Schemas["Query"]>;
export type ViewKind = Schemas["Query"]["view"];
export type Rank = NonNullable<Schemas["Query"]["rank"]>;

export type Cell = string | number | boolean | null;
/** Defaults are always sent, so nothing is absent in an answer. */
export type Series = Required<Schemas["Series"]>;
export type ViewResult = Required<Omit<Schemas["ViewResult"], "rows" | "series" | "provenance">> & {
  rows: Cell[][];
  series: Series[];
  provenance: Provenance;
};
export type ViewColumn = Required<Schemas["ViewColumn"]>;
export type TimeGrid = Schemas["TimeGrid"];
export type Provenance = Required<Schemas["Provenance"]>;

export type Dataset = Schemas["DatasetView"];
export type Facets = Schemas["FacetsView"];
export type Facet = Schemas["FacetView"];
export type MetricName = Schemas["MetricView"];
export type Catalogue = Schemas["CatalogueView"];
export type Dimension = Schemas["DimensionView"];
export type Measure = Schemas["MeasureView"];
export type Completions = Schemas["Completion"];
export type Completion = Schemas["CompletionOption"];
export type FilterCheck = Schemas["FilterChecked"];
export type SavedView = Schemas["ViewSaved"];

export type Me = Schemas["Me"];
export type Role = Schemas["Role"];
export type Health = Schemas["Health"];
export type Token = Schemas["TokenView"];
export type TokenCreated = Schemas["TokenCreated"];
export type User = Schemas["UserView"];
export type UserCreated = Schemas["UserCreated"];
export type ReferenceTable = Schemas["TableView"];
export type ReferenceKind = Schemas["ReferenceKind"];
export type ReferenceRow = Schemas["ReferenceRow"];
export type ReferenceRows = Schemas["ReferenceRows"];
export type Explanation = Schemas["Explanation"];

export type Overview = Schemas["OverviewView"];
export type Exporters = Schemas["ExportersView"];
export type Exporter = Schemas["ExporterView"];
export type Stream = Schemas["StreamView"];
export type Interface = Schemas["InterfaceView"];
export type Pipeline = Schemas["PipelineView"];
export type Reason = Schemas["Reason"];
export type Verdict = Schemas["Status"];
export type Spark = Schemas["Sparkline"];
export type Sources = Schemas["SourcesView"];
export type Source = Schemas["SourceView"];
export type SourceKind = Schemas["KindView"];
export type Intake = Schemas["IntakeView"];
export type Recipe = Schemas["RecipeView"];
export type Explained = Schemas["Explained"];

export type Topology = Schemas["TopologyView"];
export type TopologyNode = Schemas["NodeView"];
export type TopologyEdge = Schemas["EdgeView"];
export type TopologyLink = Schemas["LinkView"];
export type LinkDirection = Schemas["Direction"];
export type Timeline = Schemas["TimelineView"];
export type Measured = TopologyLink["measured"];
export type Oper = TopologyLink["oper"];
export type Devices = Schemas["DevicesView"];
export type DeviceRow = Schemas["DeviceRow"];
export type Device = Schemas["DeviceView"];
export type DeviceInterface = Schemas["DeviceInterfaceView"];
export type InterfaceRow = Schemas["InterfaceRow"];
export type BgpPeer = Schemas["BgpPeer"];
export type Gauge = Schemas["Gauge"];
export type Claim = Schemas["ClaimView"];
export type ConfigVersions = Schemas["ConfigVersionsView"];
export type ConfigVersion = Schemas["ConfigVersionView"];
export type ConfigText = Schemas["ConfigTextView"];
export type ConfigDiff = Schemas["ConfigDiffView"];
export type InventoryObjects = Schemas["ObjectsView"];
export type InventoryHistory = Schemas["HistoryView"];
export type InventoryEntry = Schemas["HistoryEntryView"];
export type Reconciled = Schemas["ReconciliationView"];
export type ReconciledRow = Schemas["ReconciliationRow"];

export type RouteLookup = Schemas["LookupView"];
export type PrefixRoutes = Schemas["PrefixRoutes"];
export type RouterRoutes = Schemas["RouterRoutes"];
export type RoutePath = Schemas["RoutePath"];
export type RankedPath = Schemas["RankedPath"];
export type RouteTimelineAnswer = Schemas["RouteTimelineView"];
export type RouteLane = Schemas["LaneView"];
export type RouteEvent = Schemas["RouteEvent"];
export type Changed = Schemas["Changed"];
export type BgpSessions = Schemas["BgpSessionsView"];
export type BgpSession = Schemas["BgpSession"];
export type RouteChurn = Schemas["ChurnView"];
export type ChurnRow = Schemas["ChurnRow"];
export type RoutePolicy = Schemas["RoutePolicyView"];
export type TreatedRoute = Schemas["TreatedRoute"];
export type JudgedRoutes = Schemas["JudgedRoutesView"];
export type JudgedRoute = Schemas["JudgedRoute"];

export type SyntheticTest = Required<Schemas["SyntheticTest"]> & { limits: Required<Schemas["Limits"]> };
export type SyntheticTests = Schemas["TestsView"];
export type TestRow = Schemas["TestRow"];
export type TestPage = Omit<Schemas["TestView"], "test"> & { test: SyntheticTest };
export type TestSeries = Schemas["TestSeries"];
export type SeriesState = TestSeries["state"];
export type Mesh = Schemas["MeshView"];
export type MeshCell = Schemas["MeshCell"];
export type TestPath = Schemas["PathView"];
export type PathHop = Schemas["HopView"];
export type Agent = Schemas["AgentView"];

export type NetworkChange = Schemas["WhatIfAsked"]["changes"][number];
export type NetworkModel = Schemas["NetworkView"];
export type NetworkLoads = Schemas["NetworkLoadView"];
export type NetworkLink = Pick<Schemas["LinkLoad"], "a" | "b" | "a_interface" | "b_interface">;
export type NetworkPath = Schemas["NetworkPathView"];
export type NetworkWay = Schemas["Way"];
export type WhatIf = Schemas["WhatIfView"];
export type LinkChange = Schemas["LinkChange"];
export type ArcChange = Schemas["ArcChange"];
export type MovedDemand = Schemas["MovedDemand"];

export type Twin = Schemas["TwinView"];
export type FaultKind = Schemas["FaultKindView"];
export type Fault = Schemas["FaultView"];

export type NetEvent = Required<Omit<Schemas["Event"], "evidence">> & { evidence: Evidence[] };
export type EventRow = Schemas["EventRow"];
export type EventsAnswer = Schemas["EventsView"];
export type EventAnswer = Omit<Schemas["EventView"], "event"> & { event: NetEvent };
export type EventBand = Schemas["EventBand"];
export type EventChart = Schemas["EventChart"];
export type Evidence = Required<Schemas["Evidence"]>;
export type EventGroup = EventRow["group"];
export type Severity = EventRow["severity"];
export type EventState = EventRow["state"];
export type Feedback = Schemas["Feedback"];
export type NewFeedback = Schemas["NewFeedback"];
export type Detectors = Schemas["DetectorsView"];
export type Detector = Schemas["DetectorView"];
export type Policy = Required<Omit<Schemas["Policy"], "conditions">> & { conditions: PolicyCondition[] };
export type PolicyCondition = Required<Schemas["Condition"]>;
export type PolicyRow = Omit<Schemas["PolicyRow"], "policy"> & { policy: Policy };
export type Policies = Omit<Schemas["PoliciesView"], "policies"> & { policies: PolicyRow[] };
export type PolicyPreview = Schemas["PolicyPreview"];
export type Channels = Schemas["ChannelsView"];
export type Channel = Schemas["ChannelView"];
export type Backtest = Schemas["BacktestView"];
export type BacktestReport = Schemas["BacktestReport"];
