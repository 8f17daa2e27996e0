/** Which gaps are only the pauses between two readings: a gauge read every five minutes is not unknown in between. */

/** Fewer pauses than this say nothing of what is usual. */
const FEW = 3;

type Values = readonly (number | null)[];

/** How many buckets without a value a line may cross: up to twice the usual pause; 0 where every bucket has one. */
export function crossable(values: Values): number {
  const found: number[] = [];
  let last = -1;
  values.forEach((value, index) => {
    if (value === null) return;
    if (last >= 0) found.push(index - last);
    last = index;
  });
  if (found.length < FEW) return 0;
  const usual = found.toSorted((one, other) => one - other)[Math.floor(found.length / 2)] ?? 1;
  return usual > 1 ? 2 * usual - 1 : 0;
}

/** For each bucket whether its missing value is such a pause. */
export function pauses(values: Values, most: number): boolean[] {
  const out = values.map(() => false);
  if (most === 0) return out;
  let last = -1;
  values.forEach((value, index) => {
    if (value === null) return;
    if (last >= 0 && index - last - 1 <= most) out.fill(true, last + 1, index);
    last = index;
  });
  return out;
}
