import type { CommandContext } from "./command.ts";

/** Shows how far a long reading is, where a person watches. */
export interface Progress {
  add(sizeBytes: number): void;
  /** Takes the line away, before something else is said and at the end. */
  clear(): void;
}

const WIDTH = 40;
/** Input below this is read before a person would look. */
const SHOWN_FROM_BYTES = 4 * 1024 * 1024;

export function createProgress(context: CommandContext, totalBytes: number): Progress {
  if (totalBytes < SHOWN_FROM_BYTES) return { add: () => undefined, clear: () => undefined };
  const bar = createBar(context);
  let readBytes = 0;
  return {
    add(sizeBytes) {
      readBytes += sizeBytes;
      bar.show(readBytes / totalBytes);
    },
    clear: () => bar.clear(),
  };
}

/** A line that fills up, where a person watches. */
export interface Bar {
  /** @param share from 0 to 1. */
  show(share: number): void;
  /** Takes the line away, before something else is said and at the end. */
  clear(): void;
}

export function createBar(context: CommandContext): Bar {
  if (!context.isTty) return { show: () => undefined, clear: () => undefined };
  let shownPercent = -1;
  return {
    show(share) {
      const percent = Math.min(100, Math.floor(share * 100));
      if (percent === shownPercent) return;
      shownPercent = percent;
      const filled = Math.round((percent / 100) * WIDTH);
      context.err(`\r[${"#".repeat(filled)}${" ".repeat(WIDTH - filled)}] ${String(percent).padStart(3)} %`);
    },
    clear() {
      if (shownPercent < 0) return;
      shownPercent = -1;
      context.err(`\r${" ".repeat(WIDTH + 8)}\r`);
    },
  };
}
