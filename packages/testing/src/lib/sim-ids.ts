import type { Runtime } from "@handlebar/core";
import type { SeededRandom } from "./seeded-random.ts";

/** Ids that are the same for the same seed and times. */
export interface SimIds {
  /** A UUIDv7, greater than every one before it, also when the wall clock is stepped back. */
  next(): string;
  readonly issuedCount: number;
}

const COUNTER_MAX = 0xfff;

export function createSimIds(clock: Runtime["clock"], random: SeededRandom): SimIds {
  let lastMs = -1;
  let counter = 0;
  let issuedCount = 0;
  return {
    next() {
      const nowMs = Math.floor(clock.nowMs());
      if (nowMs > lastMs) {
        lastMs = nowMs;
        counter = 0;
      } else if (counter < COUNTER_MAX) {
        counter++;
      } else {
        lastMs++;
        counter = 0;
      }
      issuedCount++;
      return uuidv7(lastMs, counter, random);
    },
    get issuedCount() {
      return issuedCount;
    },
  };
}

/** 48 bits of time, version 7, 12 bits of counter, variant 10, 62 random bits (RFC 9562). */
function uuidv7(ms: number, counter: number, random: SeededRandom): string {
  const time = hex(ms, 12);
  const tail = `${hex(0x80 + random.int(0, 0x3f), 2)}${hex(random.int(0, 0xff), 2)}`;
  const node = Array.from({ length: 6 }, () => hex(random.int(0, 0xff), 2)).join("");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(counter, 3)}-${tail}-${node}`;
}

function hex(value: number, length: number): string {
  return value.toString(16).padStart(length, "0");
}
