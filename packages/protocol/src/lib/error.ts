import type { HandlebarErrorCode } from "./error-codes.ts";

const BRAND = Symbol.for("handlebar.error");

/** What an error carries beside its code. */
export interface HandlebarErrorOptions {
  /** The field or path that is wrong. */
  readonly field?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/**
 * The one error that Handlebar throws: a stable `code` of `ERROR_CODES`, and a message that says what is wrong and what
 * to do. Recognise it by `HandlebarError.is`, which also holds across two copies of a package.
 */
export class HandlebarError extends Error {
  readonly code: HandlebarErrorCode;
  readonly field: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: HandlebarErrorCode, message: string, options: HandlebarErrorOptions = {}) {
    super(`${code}: ${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "HandlebarError";
    this.code = code;
    this.field = options.field;
    this.details = options.details ?? {};
    Object.defineProperty(this, BRAND, { value: true });
  }

  static is(value: unknown): value is HandlebarError {
    return typeof value === "object" && value !== null && BRAND in value;
  }
}
