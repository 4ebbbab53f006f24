/** One signal that fires with the first of both. */
export function eitherSignal(first: AbortSignal | undefined, second: AbortSignal): AbortSignal {
  return first === undefined || first === second ? second : AbortSignal.any([first, second]);
}

/** What an error of an operation that did not come to its end says about how its run ended. */
export function statusOf(error: unknown, callers: AbortSignal | undefined): "error" | "timeout" | "interrupted" {
  const name = error instanceof Error ? error.name : undefined;
  if (name === "TimeoutError") return "timeout";
  if (callers?.aborted === true || name === "AbortError" || name === "ResponseAborted") return "interrupted";
  return "error";
}
