/** Which gaps are only the pauses between two readings: a gauge read every five minutes is not unknown in between. */

type Values = readonly (number | null)[];

/** A pause as long as the one before or after it, give or take, is the usual one. */
const ALIKE = 0.6;

/**
 * For each bucket whether its missing value lies in such a pause, so that a line may cross it. A gap that is longer than
 * those beside it is an outage; one that stands alone says nothing.
 */
export function pauses(values: Values): boolean[] {
  const out = values.map(() => false);
  const known = values.flatMap((value, index) => (value === null ? [] : [index]));
  const long = (place: number): number => (known[place + 1] ?? Number.NaN) - (known[place] ?? Number.NaN);
  for (let place = 0; place + 1 < known.length; place++) {
    const length = long(place);
    const usual = long(place - 1) >= ALIKE * length || long(place + 1) >= ALIKE * length;
    if (length > 1 && usual) out.fill(true, (known[place] ?? 0) + 1, known[place + 1]);
  }
  return out;
}
