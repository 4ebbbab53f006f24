import { ALPHANUMERIC, AT, kindAt, kindOf, PERCENT, WIDE } from "./characters.ts";
import { isMarkerStart } from "./context.ts";
import type { Detector, Found } from "./detector.ts";
import type { Scan } from "./scan.ts";

const LOCAL_LENGTH_MAX = 64;
const DOMAIN_LENGTH_MAX = 253;
/** Besides letters and digits. Others are legal, but in running text they stand beside an address, not in it. */
const LOCAL_OTHERS = "._%+-~'";
/** `git@host.example:path` names a repository. */
const REPOSITORY_USER = "git";
const USER_INFO_LENGTH_MAX = 128;

const DOMAIN = /^(?:[^\s.@-](?:[^\s.@]{0,61}[^\s.@-])?\.){1,8}(?:xn--[A-Za-z0-9-]{2,59}|[^\s.@\d-]{2,24})(?![^\s.@-])/;
/** `package@1.2.3-rc.one` */
const VERSION_DOMAIN = /^\d{1,6}\.\d{1,6}[.-]/;
/** `icon@2x.png`: endings of files that are no top-level domains. */
const FILE_END = /\.(?:png|jpe?g|gif|svg|webp|ico|css|js|jsx|tsx|json|html?|xml|ya?ml|toml|lock|txt|pdf|tgz|tar|gz)$/i;

const isLocal = (text: string, offset: number): boolean =>
  (kindAt(text, offset) & ALPHANUMERIC) !== 0 || isWideLetter(text, offset) || isLocalOther(text.charAt(offset));

const isLocalOther = (character: string): boolean => character !== "" && LOCAL_OTHERS.includes(character);

/** Letters of other alphabets; typographic punctuation, spaces and full-width forms of ASCII are none. */
function isWideLetter(text: string, offset: number): boolean {
  const code = offset >= 0 && offset < text.length ? text.charCodeAt(offset) : 0;
  if ((kindOf(code) & WIDE) === 0) return false;
  const isPunctuation = (code >= 0x2000 && code <= 0x2bff) || (code >= 0x3000 && code <= 0x303f) || code >= 0xff00;
  return code >= 0xc0 && !isPunctuation && code !== 0xd7 && code !== 0xf7;
}

const isDomain = (text: string, offset: number): boolean =>
  (kindAt(text, offset) & ALPHANUMERIC) !== 0 ||
  isWideLetter(text, offset) ||
  "-.".includes(text.charAt(offset) || " ");

/** Where the part before the `@` starts; the offset of the `@` when there is none. */
function localStart(text: string, at: number, floor: number): number {
  let start = at;
  while (start > floor && at - start < LOCAL_LENGTH_MAX && isLocal(text, start - 1)) {
    if (text[start - 1] === "." && text[start] === ".") break;
    start--;
  }
  while (start < at && (isLocalOther(text.charAt(start)) || text[start] === "@")) start++;
  return text[at - 1] === "." ? at : start;
}

/** Where the domain that starts here ends; `-1` when none does. */
function domainEnd(text: string, from: number): number {
  const limit = Math.min(text.length, from + DOMAIN_LENGTH_MAX);
  let end = from;
  while (end < limit && isDomain(text, end)) end++;
  const domain = DOMAIN.exec(text.slice(from, end))?.[0] ?? "";
  // A redacted finding right behind stands for letters that went on.
  if (domain === "" || isMarkerStart(text, from + domain.length)) return -1;
  if (VERSION_DOMAIN.test(domain) || FILE_END.test(domain)) return -1;
  return from + domain.length;
}

/** `https://user:pass@host.example/` holds a user, not an address. */
function isUserInfo(text: string, start: number): boolean {
  const before = text.slice(Math.max(0, start - USER_INFO_LENGTH_MAX), start);
  const scheme = before.lastIndexOf("://");
  return scheme >= 0 && !/[\s/?#"'<>]/.test(before.slice(scheme + 3));
}

function findAround(sign: string, { text }: Scan, found: Found): void {
  for (let at = text.indexOf(sign), floor = 0; at >= 0; at = text.indexOf(sign, at + sign.length)) {
    const start = localStart(text, at, floor);
    if (start === at) continue;
    const end = domainEnd(text, at + sign.length);
    if (end < 0 || (text[end] === ":" && text.slice(start, at) === REPOSITORY_USER) || isUserInfo(text, start))
      continue;
    found(start, end);
    floor = end;
  }
}

export const EMAIL: Detector = {
  id: "email",
  searches: [
    {
      regexes: [DOMAIN, VERSION_DOMAIN, FILE_END],
      find: (scan, found) => {
        if ((scan.census.marks & AT) !== 0) findAround("@", scan, found);
      },
    },
    {
      regexes: [DOMAIN, VERSION_DOMAIN, FILE_END],
      find: (scan, found) => {
        if ((scan.census.marks & PERCENT) !== 0) findAround("%40", scan, found);
      },
    },
  ],
};
