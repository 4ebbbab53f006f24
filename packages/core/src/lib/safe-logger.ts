import type { Logger } from "./runtime.ts";

/** A logger that cannot hurt: the user's may throw, and the same warning is given once. */
export interface SafeLogger extends Logger {
  debug(message: string, details?: Readonly<Record<string, unknown>>): void;
  /** Warns once for each `key` of this client. */
  warnOnce(key: string, message: string, details?: Readonly<Record<string, unknown>>): void;
}

const ONCE_KEY_COUNT_MAX = 256;

export function createSafeLogger(logger: Logger): SafeLogger {
  const given = new Set<string>();
  const guarded =
    (level: "debug" | "warn" | "error") =>
    (message: string, details?: Readonly<Record<string, unknown>>): void => {
      try {
        logger[level]?.(message, details);
      } catch {
        // The logger is the last place to report to: a failing one has nowhere left to say so.
      }
    };
  const warn = guarded("warn");
  return {
    debug: guarded("debug"),
    warn,
    error: guarded("error"),
    warnOnce: (key, message, details) => {
      if (given.has(key) || given.size >= ONCE_KEY_COUNT_MAX) return;
      given.add(key);
      warn(message, details);
    },
  };
}
