const TIME_MAX_MS = 2 ** 48 - 1;

/** The epoch milliseconds in a UUIDv7, or in a text of `firstEventIdAt`; not a number where there are none. */
export function timeInId(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** The text that sorts before every UUIDv7 made at `timeMs` or later, and after every one made before. */
export function firstEventIdAt(timeMs: number): string {
  const hex = Math.max(0, Math.min(TIME_MAX_MS, Math.ceil(timeMs)))
    .toString(16)
    .padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
