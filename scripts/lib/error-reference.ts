import { ERROR_CODES, type ErrorEntry } from "@handlebar/protocol";

const ENTRIES: readonly (readonly [string, ErrorEntry])[] = Object.entries(ERROR_CODES);

/** `spec/errors.json`: the table of error codes for other implementations. */
export function errorsJson(): string {
  const errors = ENTRIES.map(([code, entry]) => ({ code, meaning: entry.meaning, fix: entry.fix }));
  return `${JSON.stringify({ errors }, undefined, 2)}\n`;
}

/** `docs/reference/errors.md`: one heading per code, so that a code can be linked to. */
export function errorsPage(): string {
  const sections = ENTRIES.map(([code, entry]) => {
    return `## ${code}\n\n**Meaning:** ${entry.meaning}.\n\n**Fix:** ${entry.fix}.\n`;
  });
  const intro = [
    "# Error codes",
    "",
    "Every error that Handlebar throws, returns over HTTP or records has one of these codes. A code is never renamed or given another",
    "meaning. `HandlebarError.is(error)` recognises the errors, and `error.code` is the code.",
    "",
    "This page is made from the one table in `packages/protocol/src/lib/error-codes.ts`.",
    "",
  ];
  return `${intro.join("\n")}\n${sections.join("\n")}`;
}
