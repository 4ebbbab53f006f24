import type { AnyClient } from "@handlebar/core/adapter";

/** In the metadata of models and tools that decide their own calls; `HandlebarGuard` leaves those alone. */
export const GOVERNED = "handlebar_governed";

// Registered, so that two copies of this package know each other's work.
const MARK = Symbol.for("handlebar.langchain.governed.v1");

/** Marks what a client governs; does not show in enumeration or serialisation. */
export function markGoverned<T extends object>(value: T, hb: AnyClient): T {
  Object.defineProperty(value, MARK, { value: hb, configurable: true });
  return value;
}

export function isGovernedBy(value: unknown, hb: AnyClient): boolean {
  return typeof value === "object" && value !== null && MARK in value && value[MARK] === hb;
}
