/** Whether the character at a place is a letter, a digit, a mark on a letter or `_`. */
export function isWordAt(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (Number.isNaN(code)) return false;
  if (code < 128)
    return (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || code === 95;
  const start = code >= 0xdc00 && code <= 0xdfff ? at - 1 : at;
  const whole = text.codePointAt(start) ?? code;
  return /^[\p{L}\p{N}\p{M}]$/u.test(String.fromCodePoint(whole));
}

/** Without what is no word at the start and end; a leading `/` or `~` stays, as it changes what a path names. */
export function trimmedToWord(text: string): string {
  let start = 0;
  while (start < text.length && !isWordAt(text, start) && !isPathStart(text.charAt(start))) start += 1;
  return trimmedEnd(text.slice(start), (at, rest) => !isWordAt(rest, at));
}

function isPathStart(character: string): boolean {
  return character === "/" || character === "~";
}

/** Without slashes at the end. */
export function withoutSlashes(text: string): string {
  return trimmedEnd(text, (at, whole) => whole.charAt(at) === "/");
}

// A loop, since `/[^a-z]+$/` takes quadratic time on a long run of what it looks for.
function trimmedEnd(text: string, isOut: (at: number, text: string) => boolean): string {
  let end = text.length;
  while (end > 0 && isOut(end - 1, text)) end -= 1;
  return text.slice(0, end);
}
