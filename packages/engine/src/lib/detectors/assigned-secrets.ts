import { decodeBase64 } from "./base64.ts";
import { DIGIT, kindAt, LETTER, RUN, WIDE } from "./characters.ts";
import { isMarkerEnd, toWords } from "./context.ts";
import { looksRandom } from "./entropy.ts";
import { canEndName, isPlaceholder, type SecretKind, secretKindOf } from "./secret-names.ts";

/** A value that is a secret because of the name it was given. */
export interface AssignedSecret {
  readonly kind: SecretKind;
  readonly start: number;
  readonly end: number;
}

const NAME_LENGTH_MAX = 48;
/** Between a name and its sign: a quote, an escaped one, spaces. */
const NAME_GAP_MAX = 4;
const NAME_GAP = " \t\"'`\\]";
/** Between the sign and the value: the rest of an arrow, spaces, a quote, an escaped one. */
const VALUE_GAP_MAX = 6;
const VALUE_GAP = " \t>\"'`\\";
const QUOTES = "\"'`";
/** What ends a value that is not quoted. */
const VALUE_ENDS = " \t\r\n\"'`,;&<>";
const TAIL = ".)]}:";
/** UTF-16 code units of a value that are judged; what follows goes with them. */
const VALUE_LENGTH_MAX = 128;
const RANDOM_LENGTH_MIN = 16;
const PASSWORD_LENGTH_MIN = 6;
/** A property of that name holds a password and nothing else: it may be a word, and have spaces where it is a value. */
const PROPERTY_PASSWORD_LENGTH_MIN = 4;

const SCHEME_LENGTH_MAX = 12;
const SCHEME = /^(?:bearer|basic|token|apikey|key) {1,4}/i;
const BASIC = /^basic {1,4}([A-Za-z0-9+/_-]{8,512}={0,2})$/i;
const TOKEN = /^[A-Za-z0-9_\-.+/=~:%]{16,128}$/;
/** A phrase with these is a note about a password, where no quotes hold it. */
const SPACE = /\s/;
/** A call, an address, or what goes on after a name in quotes. */
const CODE = /^[A-Za-z_$][A-Za-z0-9_$.]{0,64}\(|:\/\/|^[\s,;)\]}]/;
const PUNCTUATION = /[^A-Za-z0-9_.\s-]/;

interface Name {
  readonly words: string;
  /** It stands in quotes, as a property of JSON does. */
  readonly isQuoted: boolean;
}

/** Names may be written as words: `API key`. */
const isNameCharacter = (text: string, offset: number): boolean =>
  (kindAt(text, offset) & RUN) !== 0 || text[offset] === " ";

/** The name before a sign, if one that is told by its last letters can be there. */
function nameBefore(text: string, sign: number): Name | undefined {
  let end = text.startsWith(":=", sign - 1) ? sign - 1 : sign;
  while (end > 0 && sign - end < NAME_GAP_MAX && NAME_GAP.includes(text.charAt(end - 1))) end--;
  if (!canEndName(text, end) || isMarkerEnd(text, end)) return undefined;
  let start = end;
  while (end - start < NAME_LENGTH_MAX && isNameCharacter(text, start - 1)) start--;
  return { words: toWords(text.slice(start, end)), isQuoted: QUOTES.includes(text.charAt(end)) };
}

interface Value {
  readonly start: number;
  /** Where as much of it ends as is judged. */
  readonly end: number;
  readonly isQuoted: boolean;
  /** What ends it. */
  readonly ends: string;
}

function valueAfter(text: string, sign: number): Value {
  let start = sign + 1;
  while (start - sign <= VALUE_GAP_MAX && VALUE_GAP.includes(text.charAt(start) || "x")) start++;
  const before = text.charAt(start - 1);
  const isQuoted = QUOTES.includes(before);
  const ends = isQuoted ? `${before}\r\n` : VALUE_ENDS;
  const scheme = SCHEME.exec(text.slice(start, start + SCHEME_LENGTH_MAX))?.[0].length ?? 0;
  const end = charactersEnd(text, { start: start + scheme, ends, limit: start + VALUE_LENGTH_MAX });
  return { start, end, isQuoted, ends };
}

function charactersEnd(text: string, { start, ends, limit }: { start: number; ends: string; limit: number }): number {
  let end = start;
  while (end < text.length && end < limit && !ends.includes(text.charAt(end))) end++;
  return end;
}

/** Without what belongs to the text around a value: the escape before a quote, closing brackets, the end of a sentence. */
function withoutTail(text: string, { start, isQuoted }: Value, end: number): number {
  let last = end;
  if (isQuoted) return text[last - 1] === "\\" && last > start ? last - 1 : last;
  while (last > start && TAIL.includes(text.charAt(last - 1))) last--;
  return last;
}

function looksLikePassword(value: string): boolean {
  let seen = 0;
  for (let i = 0; i < value.length; i++) seen |= kindAt(value, i);
  const hasLetter = (seen & (LETTER | WIDE)) !== 0;
  const isMixed = hasLetter && ((seen & DIGIT) !== 0 || PUNCTUATION.test(value));
  return isMixed && value.length >= PASSWORD_LENGTH_MIN && !CODE.test(value);
}

function isPassword(value: string, isProperty: boolean): boolean {
  if (isPlaceholder(value)) return false;
  if (!isProperty) return looksLikePassword(value);
  return value.length >= PROPERTY_PASSWORD_LENGTH_MIN;
}

interface Judgement {
  readonly kind: SecretKind;
  /** Length of the scheme (`Bearer `) before the secret. */
  readonly skipped: number;
}

/** Which secret a value under a name of this kind is, if any: `Basic` carries a password. */
function judge(kind: SecretKind, raw: string, isProperty: boolean): Judgement | undefined {
  if (kind === "password") return isPassword(raw, isProperty) ? { kind, skipped: 0 } : undefined;
  const skipped = SCHEME.exec(raw)?.[0].length ?? 0;
  const basic = BASIC.exec(raw)?.[1];
  if (basic !== undefined) return decodeBase64(basic)?.includes(":") ? { kind: "password", skipped } : undefined;
  const value = raw.slice(skipped, VALUE_LENGTH_MAX);
  if (value.length < RANDOM_LENGTH_MIN || !TOKEN.test(value) || isPlaceholder(value)) return undefined;
  return looksRandom(value) ? { kind, skipped } : undefined;
}

function assignedAt(text: string, sign: number): AssignedSecret | undefined {
  const isComparison = text[sign + 1] === "=";
  const name = isComparison ? undefined : nameBefore(text, sign);
  const kind = name && secretKindOf(name.words);
  if (name === undefined || kind === undefined) return undefined;
  const value = valueAfter(text, sign);
  const judgedText = text.slice(value.start, withoutTail(text, value, value.end));
  const judged = judge(kind, judgedText, name.isQuoted && value.isQuoted && !SPACE.test(judgedText));
  if (judged === undefined) return undefined;
  const end = charactersEnd(text, { start: value.end, ends: value.ends, limit: text.length });
  return { kind: judged.kind, start: value.start + judged.skipped, end: withoutTail(text, value, end) };
}

/** Finds secrets by the names before these signs (offsets of `:` and `=`). */
export function findAssignedSecrets(text: string, signs: readonly number[]): readonly AssignedSecret[] {
  const secrets: AssignedSecret[] = [];
  let done = 0;
  for (const sign of signs) {
    const secret = sign < done ? undefined : assignedAt(text, sign);
    if (secret === undefined) continue;
    secrets.push(secret);
    done = secret.end;
  }
  return secrets;
}

/** The secret that a whole text is, when the property that holds it is named so, in these words. */
export function findPropertySecret(text: string, words: string): AssignedSecret | undefined {
  const kind = secretKindOf(words);
  const judged = kind && judge(kind, text, true);
  return judged && { kind: judged.kind, start: judged.skipped, end: text.length };
}

const BEARER = "bearer ";

/** Finds what follows the word `Bearer` where no name says more; `runs` are pairs of offsets. */
export function findBearerTokens(text: string, runs: readonly number[]): readonly AssignedSecret[] {
  const secrets: AssignedSecret[] = [];
  for (let i = 0; i < runs.length; i += 2) {
    const start = runs[i] ?? 0;
    if (text.charAt(start - 1) !== " " || text.slice(start - BEARER.length, start).toLowerCase() !== BEARER) continue;
    let end = runs[i + 1] ?? 0;
    while ("+/=".includes(text.charAt(end) || " ") || (kindAt(text, end) & RUN) !== 0) end++;
    while (TAIL.includes(text.charAt(end - 1))) end--;
    const value = text.slice(start, end);
    if (!isPlaceholder(value) && looksRandom(value)) secrets.push({ kind: "access_token", start, end });
  }
  return secrets;
}

/** The regular expressions above, for whoever wants to see that they are bounded. */
export const ASSIGNED_SECRET_REGEXES: readonly RegExp[] = [SCHEME, BASIC, TOKEN, SPACE, CODE, PUNCTUATION];
