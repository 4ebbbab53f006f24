/** Keeps a map or set, whose entries stand in the order in which they came, within its bound. Called after each entry that is added. */
export function forgetOldest(kept: Map<string, unknown> | Set<string>, countMax: number): void {
  if (kept.size <= countMax) return;
  const [oldest] = kept.keys();
  if (oldest !== undefined) kept.delete(oldest);
}
