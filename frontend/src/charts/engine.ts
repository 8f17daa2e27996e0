/** ECharts with the parts that most charts use, loaded by the first chart that is shown; the others come when needed. */
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

echarts.use([BarChart, LineChart, GridComponent, TooltipComponent, CanvasRenderer]);

export const init = echarts.init;
export type Engine = echarts.ECharts;
