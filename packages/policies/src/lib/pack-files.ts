/** The policy packs that ship with this package. Each has a file of cases beside it. */
export const PACK_NAMES = [
  "data-exfiltration",
  "destructive-actions",
  "personal-data",
  "rate-limits",
  "spend-limits",
  "working-hours",
] as const;
export type PackName = (typeof PACK_NAMES)[number];

/** The URL of a pack's policy file: to be read as it is, or copied as a start. */
export function packFile(name: PackName): URL {
  return new URL(`../../packs/${name}.yaml`, import.meta.url);
}
