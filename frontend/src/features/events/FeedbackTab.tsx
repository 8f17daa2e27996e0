import { useGet } from "../../api/queries";
import type { Feedback } from "../../api/types";
import { useNow } from "../../app/time";
import { plural } from "../../lib/units";
import { Answer } from "../../ui/Answer";
import { Panel } from "../../ui/Panel";
import { FeedbackTable } from "./FeedbackTable";
import { useMayAct } from "./parts";

export default function FeedbackTab() {
  const now = useNow(30);
  const may = useMayAct();
  const answer = useGet<Feedback[]>("feedback", 30_000);
  return (
    <Answer of={answer} rows={8}>
      {(rows) => <Panel title={plural(rows.length, "judgement")} hint="what people said of events; each can be withdrawn" flush><FeedbackTable rows={rows} now={now} may={may} /></Panel>}
    </Answer>
  );
}
