/** A unified diff as lines with their numbers in both versions. */

export type DiffKind = "added" | "removed" | "same" | "hunk" | "file";

export interface DiffLine {
  kind: DiffKind;
  text: string;
  before: number | null;
  after: number | null;
}

const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/;

export const isDiff = (text: string): boolean => /^@@ -\d/m.test(text);

export function diffLines(text: string): DiffLine[] {
  let before = 0;
  let after = 0;
  let within = false; // before the first hunk `---` and `+++` name the files; within one they are lines
  const lines = text.replace(/\n$/, "").split("\n");
  return lines.map((line, index): DiffLine => {
    const hunk = HUNK.exec(line);
    if (hunk) {
      before = Number(hunk[1]);
      after = Number(hunk[2]);
      within = true;
      return { kind: "hunk", text: line, before: null, after: null };
    }
    if (line.startsWith("--- ") && lines[index + 1]?.startsWith("+++ ")) within = false;
    if (!within) return { kind: "file", text: line, before: null, after: null };
    if (line.startsWith("+")) return { kind: "added", text: line.slice(1), before: null, after: after++ };
    if (line.startsWith("-")) return { kind: "removed", text: line.slice(1), before: before++, after: null };
    if (line.startsWith("\\")) return { kind: "file", text: line, before: null, after: null };
    return { kind: "same", text: line.slice(1), before: before++, after: after++ };
  });
}
