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
  if (!context.isTty || totalBytes < SHOWN_FROM_BYTES) return { add: () => undefined, clear: () => undefined };
  let readBytes = 0;
  let shownPercent = -1;
  return {
    add(sizeBytes) {
      readBytes += sizeBytes;
      const percent = Math.min(100, Math.floor((readBytes / totalBytes) * 100));
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
