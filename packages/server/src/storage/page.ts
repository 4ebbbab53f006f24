/**
 * Which part of a list: `limit` rows after `cursor` (opaque, from the page before). A cursor that no page gave is refused with
 * `HB_REQUEST_INVALID`, field `cursor`.
 */
export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Where the next page starts; absent after the last one. */
  readonly nextCursor?: string | undefined;
}
