/** What a catalogue says of one dataset, in the words the explorer asks. */
import type { Catalogue, Dataset, Measure } from "./types";

export const datasetOf = (catalogue: Catalogue | undefined, name: string): Dataset | undefined => catalogue?.datasets.find((one) => one.name === name);

/** The measure that a column of an answer holds. */
export const measureOf = (dataset: Dataset | undefined, name: string | undefined): Measure | undefined => dataset?.measures.find((one) => one.name === name);
