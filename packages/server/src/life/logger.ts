import { pino } from "pino";
import type { ServerLog } from "../services/server-log.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Where lines go; standard output where nothing is given. */
export interface LogTarget {
  write(line: string): void;
}

/** Names under which a secret could come into a log line. Nothing logs them on purpose: this is the net below. */
const SECRET_PATHS = ["authorization", "apiKey", "secret", "password", "databaseUrl", "firstKey"].flatMap((name) => [
  name,
  `*.${name}`,
  `*.*.${name}`,
]);

/** Structured log lines in JSON, without secrets. */
export function createLog(level: LogLevel, target?: LogTarget): ServerLog {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: (error: unknown) => errorFields(error, 0) },
    redact: { paths: SECRET_PATHS, censor: "[redacted]" },
  };
  const logger = target === undefined ? pino(options) : pino(options, target);
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
}

/** An error's name, message and place, with the errors behind it; not its other fields, which may hold rows or requests. */
function errorFields(error: unknown, depth: number): unknown {
  if (!(error instanceof Error)) return String(error);
  const { name, message, stack, cause } = error;
  const code = "code" in error && typeof error.code === "string" ? { code: error.code } : {};
  const behind = cause === undefined || depth > 3 ? {} : { cause: errorFields(cause, depth + 1) };
  return { name, message: withoutSecrets(message), ...code, stack: withoutSecrets(stack ?? ""), ...behind };
}

/** Keys and passwords of URLs may stand in a driver's message. */
function withoutSecrets(text: string): string {
  return text
    .replaceAll(/hb_[a-z0-9]{10}_[A-Za-z0-9_-]{43}/g, (key) => `${key.slice(0, 13)}_[redacted]`)
    .replaceAll(/(\w+:\/\/[^\s:/@]*):[^\s@/]+@/g, "$1:[redacted]@");
}
