/** Text of chart tooltips. Labels come from the network and from users: everything is escaped. */

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);

export interface TooltipRow {
  color: string;
  label: string;
  value: string;
}

export function tooltipHtml(title: string, rows: readonly TooltipRow[], foot?: TooltipRow): string {
  const line = (row: TooltipRow, kind: string): string =>
    `<div class="weft-tip-row${kind}"><i style="background:${escapeHtml(row.color)}"></i><span>${escapeHtml(row.label)}</span><b>${escapeHtml(row.value)}</b></div>`;
  const body = rows.map((row) => line(row, "")).join("") + (foot ? line(foot, " weft-tip-foot") : "");
  return `<div class="weft-tip"><div class="weft-tip-title">${escapeHtml(title)}</div>${body}</div>`;
}
