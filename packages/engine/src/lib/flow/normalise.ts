/** A text as it is compared: without regard to case, spacing, or which of several Unicode spellings was used. */
export function normaliseText(text: string): string {
  return text.normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim();
}

/**
 * The one way to write a number: `98.70`, `1,000`, `$100` and `10%` are `98.7`, `1000`, `100` and `10`, and `12,50` is
 * `12.5`. `undefined` for text that is no number, and for digits that only name something, such as `007`.
 */
export function canonicalNumber(text: string): string | undefined {
  if (text.length > NUMBER_LENGTH_MAX || !/\d/.test(text)) return undefined;
  if (/^[1-9]\d{0,14}$/.test(text)) return text;
  const bare = text.replace(/^([-+]?)\p{Sc} ?/u, "$1").replace(/ ?[\p{Sc}%]$/u, "");
  const plain = /^[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(bare)
    ? bare.replaceAll(",", "")
    : bare.replace(/^([-+]?\d+),(\d{1,2})$/, "$1.$2");
  return /^[-+]?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?$/.test(plain) ? String(Number(plain)) : undefined;
}

/** Fifteen digits on each side, with what groups them. */
const NUMBER_LENGTH_MAX = 48;

/** Shorter ones are common numbers that many texts hold by chance. */
const IDENTIFIER_LENGTH_MIN = 8;
const IDENTIFIER_LENGTH_MAX = 64;
const IDENTIFIER_DIGIT_COUNT_MIN = 4;

/**
 * An account, card or phone number without the spaces, hyphens and brackets that people put into it: `GB29 NWBK 6016` is
 * `gb29nwbk6016`. Takes normalised text; `undefined` when it is nothing of the kind.
 */
export function compactIdentifier(normal: string): string | undefined {
  if (normal.length > IDENTIFIER_LENGTH_MAX * 2 || !/\d/.test(normal)) return undefined;
  const compact = normal.replace(/[\s\-()+]+/g, "");
  if (compact.length < IDENTIFIER_LENGTH_MIN || compact.length > IDENTIFIER_LENGTH_MAX) return undefined;
  if (!/^[a-z\d]+$/.test(compact)) return undefined;
  return compact.replace(/\D+/g, "").length >= IDENTIFIER_DIGIT_COUNT_MIN ? compact : undefined;
}

/** The address of `Name <address>`; `undefined` for other text, and where it is not clear which of two addresses counts. */
export function bareAddress(text: string): string | undefined {
  return /^[^<>@]{0,256}<([^<>@\s]{1,256}@[^<>@\s]{1,256})>$/.exec(text.trim())?.[1];
}
