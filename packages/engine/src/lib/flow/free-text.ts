import { FREE_TEXT_LENGTH_MIN } from "../limits.ts";

/**
 * Names of fields whose text somebody wrote for people to read, whatever its length. Whoever may send a message, name an
 * event, describe a payment or write a review chooses it freely, and short ones (`pay DE89… now`) do what long ones do.
 * Not here: names, addresses, locations, file names, states and dates, which records are found and acted upon by.
 */
const FREE_TEXT_FIELDS: ReadonlySet<string> = new Set([
  // What a message, page or document says.
  "body",
  "bodyhtml",
  "bodytext",
  "content",
  "contents",
  "html",
  "markdown",
  "message",
  "messages",
  "messagetext",
  "plaintext",
  "snippet",
  "subject",
  "text",
  "transcript",
  // What somebody says about a thing.
  "about",
  "abstract",
  "answer",
  "bio",
  "caption",
  "comment",
  "comments",
  "description",
  "details",
  "excerpt",
  "feedback",
  "headline",
  "instructions",
  "longdescription",
  "note",
  "notes",
  "question",
  "remark",
  "remarks",
  "review",
  "reviews",
  "shortdescription",
  "summary",
  "title",
  // What a payer writes to a payee.
  "memo",
  "purpose",
  "reason",
  "reference",
  "remittanceinformation",
]);

/**
 * Whether a text of a result is free text: it is long, has several lines, or stands in a field that people write freely.
 *
 * @param field the nearest name around it, compared without case, `_` and `-`; `undefined` where none is.
 */
export function isFreeText(text: string, field: string | undefined): boolean {
  if (text.length >= FREE_TEXT_LENGTH_MIN || text.includes("\n")) return true;
  return field !== undefined && FREE_TEXT_FIELDS.has(field.toLowerCase().replace(/[_-]/g, ""));
}

/** Whether a result that is text alone is prose. One word, such as an account number that was asked for, is a value. */
export function isProse(text: string): boolean {
  return isFreeText(text, undefined) || /\s/.test(text.trim());
}
