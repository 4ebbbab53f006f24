import { HandlebarError } from "@handlebar/protocol";

/** A transaction that lost against another one: the same work may succeed when it is done again. */
const LOST_RACE: ReadonlySet<string> = new Set(["40001", "40P01"]);

/** The table, index, schema or type exists already: another process made it at the same moment. */
const EXISTS: ReadonlySet<string> = new Set(["23505", "42P06", "42P07", "42710"]);

/** Out of connections, cancelled for its time or a lock, stopping, starting, or a standby that takes no writes. */
const UNAVAILABLE: ReadonlySet<string> = new Set([
  "25006",
  "53100",
  "53200",
  "53300",
  "55P03",
  "57014",
  "57P01",
  "57P02",
  "57P03",
  "57P05",
  "ECONNREFUSED",
  "ECONNRESET",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOENT",
  "ENOTFOUND",
  "EPIPE",
  "ETIMEDOUT",
]);

/** Errors of the driver itself, which have no code. */
const DRIVER_MESSAGES = [
  "Connection terminated",
  "timeout exceeded when trying to connect",
  "timeout expired",
  "Query read timeout",
  "Client has encountered a connection error",
  "Cannot use a pool after calling end",
  "does not support SSL",
] as const;

function textOf(error: unknown, field: string): string | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const value: unknown = Reflect.get(error, field);
  return typeof value === "string" ? value : undefined;
}

const codeOf = (error: unknown): string | undefined => textOf(error, "code");

/**
 * Whether doing the transaction again may succeed: it was the victim of a deadlock or of a serialization failure, or its row was on the way into the
 * default partition when the partition of that row's day was made.
 */
export function isLostRace(error: unknown): boolean {
  const code = codeOf(error) ?? "";
  return LOST_RACE.has(code) || (code === "23514" && textOf(error, "table") === "events_default");
}

/** Whether something could not be made since it is there already. */
export function isDuplicate(error: unknown): boolean {
  return EXISTS.has(codeOf(error) ?? "");
}

/** Whether a lock or a statement took longer than it may. */
export function isTimeout(error: unknown): boolean {
  const code = codeOf(HandlebarError.is(error) ? error.cause : error);
  return code === "55P03" || code === "57014";
}

function isUnavailable(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== undefined && (UNAVAILABLE.has(code) || code.startsWith("08"))) return true;
  return error instanceof Error && DRIVER_MESSAGES.some((text) => error.message.includes(text));
}

/**
 * What the store throws in an error's place: `HB_STORE_UNAVAILABLE` where the database cannot be reached or does not answer in time, `HB_REQUEST_INVALID`
 * where a key is too long for it.
 */
export function storeError(error: unknown): unknown {
  if (codeOf(error) === "54000") {
    return new HandlebarError(
      "HB_REQUEST_INVALID",
      "ids of the request are together too long for the database's index; use shorter ones",
      { cause: error },
    );
  }
  return HandlebarError.is(error) || !isUnavailable(error) ? error : connectError(error);
}

/** For what goes wrong before there is a connection, which is the same to a caller whatever it is: no route, a refused password, a wrong certificate. */
export function connectError(error: unknown): HandlebarError {
  if (HandlebarError.is(error)) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new HandlebarError(
    "HB_STORE_UNAVAILABLE",
    `PostgreSQL does not answer: ${why}; look at the database and the connection to it`,
    { cause: error },
  );
}

/** Whether the connection that an error came from must not be used again. */
export function breaksConnection(error: unknown): boolean {
  const code = codeOf(error);
  if (code === undefined) return error instanceof Error && DRIVER_MESSAGES.some((text) => error.message.includes(text));
  return code.startsWith("08") || code.startsWith("57P") || code.startsWith("E") || code === "25006";
}

/** Whether `insertAllNewStatement` did nothing since some of its events were there already. */
export function isNotAllNew(error: unknown): boolean {
  return codeOf(error) === "22012";
}
