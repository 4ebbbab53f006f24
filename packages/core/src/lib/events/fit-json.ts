import type { JsonValue } from "@handlebar/protocol";
import { EVENT_BOUNDS } from "./event-bounds.ts";
import { cutJsonString, utf8SizeBytes } from "./utf8.ts";

const CUT_MARK = "…";
const CUT_MARK_BYTES = 3;
const QUOTES_BYTES = 2;

/** How many bytes a value takes as JSON. */
export function jsonSizeBytes(value: JsonValue): number {
  return utf8SizeBytes(JSON.stringify(value));
}

/**
 * A copy of `value` that takes about `sizeBytesMax` as JSON. Keeps shape: objects keep their keys, lists their beginning, texts
 * their beginning and a mark; what is small stays whole, and what is large shares the room that is left. Numbers and other
 * scalars are never cut, so the result can be some bytes larger.
 */
export function fitJson(value: JsonValue, sizeBytesMax: number, depth = 0): JsonValue {
  const sizeBytes = jsonSizeBytes(value);
  if (sizeBytes <= sizeBytesMax) return value;
  if (typeof value === "string") return cutText(value, sizeBytesMax);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= EVENT_BOUNDS.cutDepthMax) return cutText(JSON.stringify(value), sizeBytesMax);
  if (Array.isArray(value)) {
    const kept: readonly JsonValue[] = value.slice(0, entryCount(value.length, sizeBytesMax));
    const rooms = shareRoom(
      kept.map((entry) => jsonSizeBytes(entry) + 1),
      sizeBytesMax - QUOTES_BYTES,
    );
    return kept.map((entry, index) => fitJson(entry, (rooms[index] ?? 0) - 1, depth + 1));
  }
  const entries = Object.entries(value);
  const kept = entries.slice(0, entryCount(entries.length, sizeBytesMax));
  const overheads = kept.map(([key]) => jsonSizeBytes(key) + 2);
  const sizes = kept.map(([, entry], index) => jsonSizeBytes(entry) + (overheads[index] ?? 0));
  const rooms = shareRoom(sizes, sizeBytesMax - QUOTES_BYTES);
  return Object.fromEntries(
    kept.map(([key, entry], index) => [key, fitJson(entry, (rooms[index] ?? 0) - (overheads[index] ?? 0), depth + 1)]),
  );
}

/** Divides `room` so that what asks for less than an even share gets all of it, and the rest is shared evenly. */
export function shareRoom(sizes: readonly number[], room: number): readonly number[] {
  const shares = sizes.slice();
  const smallestFirst = sizes.map((size, index) => ({ size, index })).sort((a, b) => a.size - b.size);
  let left = Math.max(0, room);
  smallestFirst.forEach(({ size, index }, taken) => {
    const share = Math.min(size, Math.floor(left / (sizes.length - taken)));
    shares[index] = share;
    left -= share;
  });
  return shares;
}

function entryCount(count: number, sizeBytesMax: number): number {
  return Math.min(count, Math.max(1, Math.floor(sizeBytesMax / EVENT_BOUNDS.cutEntryBytesMin)));
}

function cutText(text: string, sizeBytesMax: number): string {
  return cutJsonString(text, sizeBytesMax - QUOTES_BYTES - CUT_MARK_BYTES) + CUT_MARK;
}
