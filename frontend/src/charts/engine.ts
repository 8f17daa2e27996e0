/** ECharts with the parts in use, loaded by the first chart that is shown. */
import { BarChart, HeatmapChart, LineChart, SankeyChart } from "echarts/charts";
import { GridComponent, TooltipComponent, VisualMapContinuousComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

echarts.use([BarChart, HeatmapChart, LineChart, SankeyChart, GridComponent, TooltipComponent, VisualMapContinuousComponent, CanvasRenderer]);

export const init = echarts.init;
export type Engine = echarts.ECharts;
