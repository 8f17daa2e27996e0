/** The parts of ECharts that only Sankey diagrams use. */
import { SankeyChart } from "echarts/charts";
import { use } from "echarts/core";

use([SankeyChart]);
