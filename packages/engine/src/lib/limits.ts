/**
 * Every bound of the engine in one place. Past a bound the reading is unknown, never a guess and never an exception.
 */

/** Levels of nesting that are followed into a value. Tool arguments seldom pass 6; deeper nesting is an attack or a bug. */
export const VALUE_DEPTH_MAX = 32;

/** Values (containers and leaves) visited in one walk over arguments or a result: keeps a walk well under a millisecond. */
export const VALUE_NODE_COUNT_MAX = 10_000;

/** UTF-16 code units scanned in one text, and held by the texts of one value together. */
export const TEXT_LENGTH_MAX = 262_144;

/** UTF-16 code units of a glob: names have at most 256. */
export const GLOB_LENGTH_MAX = 256;

/** UTF-16 code units of a regular expression: longer ones are word lists, which `in` and several rules say better. */
export const REGEX_PATTERN_LENGTH_MAX = 1_000;

/** Compiled regular expressions that one cache holds; the least recently used leaves first. */
export const REGEX_CACHE_ENTRY_COUNT_MAX = 512;

/**
 * Instructions of a compiled regular expression times UTF-16 code units of the text. Matching is linear in this product;
 * 2^24 keeps the worst case near a fifth of a second, and lets patterns of up to 64 instructions scan `TEXT_LENGTH_MAX`.
 */
export const REGEX_WORK_MAX = 16_777_216;

/** Bytes of matching states that a compiled regular expression may keep, as the library reckons them. */
export const REGEX_STATE_SIZE_MAX_BYTES = 262_144;

/** Names of a time zone are no longer than this: the longest in the IANA database has 32 characters. */
export const TIME_ZONE_NAME_LENGTH_MAX = 64;

/** Time zones whose formatter is kept: each takes tens of kilobytes, and an actor may name any of the 600. */
export const TIME_ZONE_CACHE_ENTRY_COUNT_MAX = 64;

/** Windows of one time gate. */
export const TIME_WINDOW_COUNT_MAX = 64;

/** UTF-16 code units of a path such as `items[].price`. */
export const PATH_LENGTH_MAX = 512;

/** Steps of a path: as many as values may be deep. */
export const PATH_STEP_COUNT_MAX = 32;

/** Elements of a list that a path may name by number. */
export const PATH_INDEX_MAX = 9_999;

/** UTF-16 code units of a result's text that is read as JSON or YAML. */
export const JSON_TEXT_LENGTH_MAX = 262_144;

/** UTF-16 code units of a key in text that is read as YAML: longer ones are prose that holds a colon. */
export const JSON_TEXT_KEY_LENGTH_MAX = 128;

/** UTF-16 code units of canonical JSON: an approval is bound to no more than this. */
export const CANONICAL_JSON_LENGTH_MAX = 1_048_576;

/** Decimal digits of an integer beyond the safe range that are written out when a value is made plain. */
export const BIGINT_DIGIT_COUNT_MAX = 100;

/** Labels that one policy set may use. */
export const LABEL_COUNT_MAX = 31;

/** Timestamps a window keeps, so that counts up to this number are exact. */
export const WINDOW_TIMESTAMP_COUNT_MAX = 1_024;

/** Timestamps a window may hold beyond those, so that dropping the oldest is done for many at once. */
export const WINDOW_TIMESTAMP_SLACK_COUNT = 256;

/** Amounts a window keeps one by one; past this they are gathered into buckets. */
export const WINDOW_AMOUNT_COUNT_MAX = 64;

/** Buckets that a window's span is divided into: sums are at most one bucket width, 1/60 of the window, too strict. */
export const WINDOW_BUCKET_COUNT = 60;

/** Keys of one window store. A busy key takes at most about 12 KB. */
export const WINDOW_KEY_COUNT_MAX = 10_000;

/** Reservations that one key may hold at once: calls in flight of one run, agent or actor. */
export const WINDOW_RESERVATION_COUNT_MAX = 1_024;

/** UTF-16 code units of a window's key and of a reservation's id. */
export const WINDOW_KEY_LENGTH_MAX = 1_024;

/** Different tools that the history of one run knows for `sequence`; what it says of each does not grow. */
export const HISTORY_TOOL_COUNT_MAX = 1_024;

/** Calls of one run that have not ended, whose outcome its history waits for. */
export const HISTORY_PENDING_COUNT_MAX = 1_024;

/** UTF-16 code units of a call's id, and of a tool's name and tags together, that a history keeps. */
export const HISTORY_TEXT_LENGTH_MAX = 16_384;

/** UTF-16 code units of all messages of one model request that detectors scan: about a million tokens. */
export const MESSAGES_TEXT_LENGTH_MAX = 4_194_304;

/** Tools whose candidate rules a policy set remembers; past this it starts over. */
export const TOOL_MEMO_COUNT_MAX = 4_096;

/** Agents whose rules a policy set that is for any agent remembers; past this it starts over. */
export const AGENT_MEMO_COUNT_MAX = 64;

/** Policies of one compiled policy set. */
export const POLICY_COUNT_MAX = 10_000;

/** Rules of one compiled policy set. */
export const RULE_COUNT_MAX = 100_000;

/** Levels of `and`, `or` and `not` in one condition. */
export const CONDITION_DEPTH_MAX = 32;

/** Nodes of one condition. */
export const CONDITION_NODE_COUNT_MAX = 500;

/** How far a walk over a value may go. */
export interface ValueBounds {
  /** Levels below the value itself. */
  readonly depthMax: number;
  /** Containers and leaves visited. */
  readonly nodeCountMax: number;
  /** UTF-16 code units of all keys and texts together, where they are copied. */
  readonly textLengthMax: number;
}

/** The bounds used where none are passed. */
export const VALUE_BOUNDS: ValueBounds = {
  depthMax: VALUE_DEPTH_MAX,
  nodeCountMax: VALUE_NODE_COUNT_MAX,
  textLengthMax: TEXT_LENGTH_MAX,
};

/** Elements of a list that an expression may build or loop over; beyond it the expression is unknown. */
export const EXPR_LIST_LENGTH_MAX = 1_000;

/** Nesting of values that an expression compares. */
export const EXPR_COMPARE_DEPTH_MAX = 64;

/** Steps that one evaluation of an expression may take; nested loops reach it, nothing else does. */
export const EXPR_STEP_COUNT_MAX = 100_000;

/** Nodes of an expression's syntax tree. */
export const EXPR_NODE_COUNT_MAX = 1_000;

/** Nesting of an expression's syntax tree. */
export const EXPR_DEPTH_MAX = 100;

/** Calls in flight whose labels are expected; those beyond it count as pending for the rest of the run. */
export const PENDING_FLOW_COUNT_MAX = 1_024;

/** Labels that one run has over its life. Policies may be replaced while it runs, so it can be more than one set has. */
export const FLOW_LABEL_COUNT_MAX = 1_024;

/** Values kept for each kind of place in which they were seen; what is not found is unknown once one was not kept. */
export const SEEN_VALUE_COUNT_MAX = 20_000;

/** UTF-16 code units of one kept value. */
export const SEEN_VALUE_LENGTH_MAX = 512;

/** UTF-16 code units of prose kept for each kind of place. */
export const SEEN_TEXT_LENGTH_MAX = 131_072;

/** UTF-16 code units of a value that is looked for in what was seen; longer ones are letters and documents, not names. */
export const SEEN_LOOKUP_LENGTH_MAX = 4_096;

/**
 * UTF-16 code units of kept prose that one condition may search, over all values: most values are looked up without a
 * search. 2^22 takes some 30 milliseconds at worst.
 */
export const SEEN_SEARCH_WORK_MAX = 4_194_304;

/** UTF-16 code units from which a text counts as free text whatever its field: identifiers and addresses are shorter. */
export const FREE_TEXT_LENGTH_MIN = 120;

/** Sessions whose labels are kept. */
export const SESSION_COUNT_MAX = 10_000;
