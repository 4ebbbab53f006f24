import { FREE_TEXT_LENGTH_MIN } from "../limits.ts";

/**
 * Names of fields whose text somebody wrote for people to read, whatever its length: whoever can send a message, name an
 * event or describe a payment chooses it freely.
 */
export const FREE_TEXT_FIELDS: ReadonlySet<string> = new Set([
  "body",
  "caption",
  "comment",
  "comments",
  "content",
  "contents",
  "description",
  "details",
  "html",
  "markdown",
  "memo",
  "message",
  "messages",
  "note",
  "notes",
  "purpose",
  "reason",
  "reference",
  "remark",
  "remarks",
  "review",
  "reviews",
  "snippet",
  "subject",
  "summary",
  "text",
  "title",
  "transcript",
]);

/** Whether a text is free text: by its field's name, or because it is long or has several lines. */
export function isFreeText(text: string, field: string | undefined): boolean {
  if (field !== undefined && FREE_TEXT_FIELDS.has(field.toLowerCase())) return true;
  return text.length >= FREE_TEXT_LENGTH_MIN || text.includes("\n");
}
