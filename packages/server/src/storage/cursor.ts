import { HandlebarError } from "@handlebar/protocol";
import type { Page, PageRequest } from "./page.ts";

type CursorPart = string | number;

/** An opaque cursor of the values that a page's last row is ordered by. */
function writeCursor(parts: readonly CursorPart[]): string {
  return Buffer.from(JSON.stringify(parts)).toString("base64url");
}

/**
 * Reads a cursor whose parts have the given types.
 * @throws HandlebarError `HB_REQUEST_INVALID` when no page gave it.
 */
export function readCursor(cursor: string, types: readonly ("string" | "number")[]): readonly CursorPart[] {
  const parts = partsOf(cursor);
  const fits = parts?.length === types.length && parts.every((part, at) => typeof part === types[at]);
  if (parts === undefined || !fits) {
    throw new HandlebarError("HB_REQUEST_INVALID", "`cursor` is not one that a page gave; start again without it", {
      field: "cursor",
    });
  }
  return parts;
}

function partsOf(cursor: string): readonly CursorPart[] | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    return Array.isArray(value) && value.every(isPart) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isPart(value: unknown): value is CursorPart {
  return typeof value === "string" || Number.isSafeInteger(value);
}

/** How a page is made of rows: what comes of a row, and what it is ordered by. */
export interface PageShape<R, T> {
  readonly page: PageRequest;
  readonly item: (row: R) => T;
  readonly key: (row: R) => readonly CursorPart[];
}

/** A page of rows that were asked for with one more than its limit. */
export function pageOf<R, T>(rows: readonly R[], { page, item, key }: PageShape<R, T>): Page<T> {
  const shown = rows.slice(0, page.limit);
  const last = shown.at(-1);
  const items = shown.map(item);
  return rows.length > page.limit && last !== undefined ? { items, nextCursor: writeCursor(key(last)) } : { items };
}
