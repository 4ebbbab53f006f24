const GOVERNED = Symbol.for("handlebar.ai-sdk.governed.v1");

/** Marks what is governed, for every copy of this package, so that it is decided once however often it is governed. */
export function markGoverned(value: object): void {
  Object.defineProperty(value, GOVERNED, { value: true, configurable: true });
}

export function isGoverned(value: unknown): boolean {
  // Only `markGoverned` sets this registered symbol.
  return value !== null && (typeof value === "object" || typeof value === "function") && GOVERNED in value;
}
