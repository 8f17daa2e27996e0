/** Addresses of pages that need more than a path. */

/** An address holds dots, and a path that ends like a file name is looked for as a file: so it is a parameter. */
export const exporterPath = (address: string, kept = ""): string =>
  `/sources/exporter${kept || "?"}${kept ? "&" : ""}address=${encodeURIComponent(address)}`;
