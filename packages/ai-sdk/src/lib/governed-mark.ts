/** What marks a governed object. */
export const GOVERNED: unique symbol = Symbol.for("handlebar.ai-sdk.governed.v1");

/** Marks what is governed, for every copy of this package, so that it is decided once however often it is governed. */
export function markGoverned<T extends object>(value: T): T {
  // Assigned, which takes a fraction of the time of defining it; what is marked is ours and made anew for each run.
  return Object.assign(value, MARK);
}

const MARK = { [GOVERNED]: true };

export function isGoverned(value: unknown): boolean {
  // Only `markGoverned` sets this registered symbol.
  return value !== null && (typeof value === "object" || typeof value === "function") && GOVERNED in value;
}
