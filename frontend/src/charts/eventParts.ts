/** The parts of ECharts that only charts of events use. */
import { MarkAreaComponent } from "echarts/components";
import { use } from "echarts/core";

use([MarkAreaComponent]);
