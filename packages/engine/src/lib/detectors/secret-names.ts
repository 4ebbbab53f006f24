import { MARKER_START } from "./context.ts";

/** What a name says about the value that it is given. */
export type SecretKind = "api_key" | "access_token" | "password";

const API_KEY_NAME =
  /(?:\b(?:api|app|access|account|auth|client|consumer|encryption|license|master|private|secret|service|shared|signing|storage|subscription|webhook|function) ?keys?|\bkey ?secret|apikeys?|\bsecrets?)$/;
const ACCESS_TOKEN_NAME = /\b(?:[a-z]{1,24} ?)?token$|\b(?:authorization|bearer|sig)$/;
const PASSWORD_NAME =
  /\b(?:[a-z]{0,16} ?pass ?(?:word|wd|phrase|code)s?|pwd|pgpassword|(?:db|user|smtp|mysql|root) ?pass)$/;
/** Positions in lists, proofs against forgery, keys of databases and words of models are so by name alone. */
const HARMLESS_NAME =
  /\b(?:page|next|prev|previous|cursor|continuation|continue|sync|resume|csrf|xsrf|forgery|max|min|public|publishable|stop|start|end|eos|bos|pad|unk|mask|cancellation|cancel|primary|foreign|partition|sort|push|device) ?(?:page ?)?(?:tokens?|keys?)$/;

/** The last two letters of every name that is one: most words are told by them. */
const ENDINGS: ReadonlySet<number> = new Set(
  ["ey", "ys", "et", "ts", "en", "on", "er", "ig", "rd", "ds", "wd", "se", "de", "ss"].map((letters) =>
    pairOf(letters.charCodeAt(0), letters.charCodeAt(1)),
  ),
);

/** Two letters as one number, whatever their case. */
function pairOf(first: number, second: number): number {
  return (first | 32) * 65_536 + (second | 32);
}

/** Whether a name that ends here can be one, by its last two letters. */
export function canEndName(text: string, end: number): boolean {
  return end >= 2 && ENDINGS.has(pairOf(text.charCodeAt(end - 2), text.charCodeAt(end - 1)));
}

/** What the words of a name say; the last ones count. */
export function secretKindOf(words: string): SecretKind | undefined {
  if (HARMLESS_NAME.test(words)) return undefined;
  if (PASSWORD_NAME.test(words)) return "password";
  if (API_KEY_NAME.test(words)) return "api_key";
  return ACCESS_TOKEN_NAME.test(words) ? "access_token" : undefined;
}

/** A reference, a template or a word of a schema or manual. */
const PLACEHOLDER =
  /^(?:[<[{]|\$[{(A-Z_]|%[A-Z_]|[xX]{3}|[.*_-]{3}|(?:your|insert|enter|replace|placeholder|redacted|hidden|process|os|env|config|settings|secrets|vars|self|this|null|none|nil|true|false|undefined|string|text|number|boolean|required|optional|unset|empty|tbd)(?:$|[^A-Za-z0-9]))/i;
const REPEATED = /^(.)\1{5}/;
const PATH = /^(?:~?\/|\.{1,2}\/|[A-Za-z]:\\)/;

/** Whether a value stands for one that is elsewhere or not there yet, or was redacted already. */
export const isPlaceholder = (value: string): boolean =>
  PLACEHOLDER.test(value) || REPEATED.test(value) || PATH.test(value) || value.includes(MARKER_START);

/** The regular expressions above, for whoever wants to see that they are bounded. */
export const SECRET_NAME_REGEXES: readonly RegExp[] = [
  API_KEY_NAME,
  ACCESS_TOKEN_NAME,
  PASSWORD_NAME,
  HARMLESS_NAME,
  PLACEHOLDER,
  REPEATED,
  PATH,
];
