import { canonicalNumber } from "./normalise.ts";
import { trimmedToWord, withoutSlashes } from "./word.ts";

/** What never stands inside an address, a name or a number. A comma between digits may: it is looked at later. */
const SEPARATOR = /[\s;"'`´‘’“”„«»()[\]{}<>|…–—]+|,(?!\d)|(?<!\d),/u;

/** The parts of normalised text that can be a word, a number, an address or an identifier. */
export function partsOf(normal: string): readonly string[] {
  return normal.split(SEPARATOR).filter((part) => part !== "");
}

/** A part without the punctuation of the sentence around it, a number in its one way to write it. */
export function bareForm(part: string): string {
  return canonicalNumber(part) ?? plainForm(trimmedToWord(part));
}

/** Under which forms a part of a text is found: `mailto:ana@x.com.` also as `ana@x.com`, an address of a page also by its host. */
export function formsOf(part: string): ReadonlySet<string> {
  const bare = bareForm(part);
  const forms = new Set([plainForm(part), bare]);
  const named = /^\p{L}[\p{L}\d_-]{0,63}[:=](?!\/\/)(.+)$/u.exec(bare)?.[1];
  if (named !== undefined) forms.add(bareForm(named));
  for (const form of urlForms(bare)) forms.add(form);
  // `alice/bob` and `1,2,3` name each; a date or a path under a domain is one name.
  if (/[/,&]/.test(bare) && !/[.@:]/.test(bare)) for (const piece of bare.split(/[/,&]+/)) forms.add(bareForm(piece));
  forms.delete("");
  return forms;
}

/** Under which forms a whole value is found. */
export function valueForms(normal: string): ReadonlySet<string> {
  const forms = new Set([plainForm(normal)]);
  const bare = /^(?:[@#]|mailto:|tel:)(\S+)$/.exec(normal)?.[1];
  if (bare !== undefined) forms.add(bare);
  const [address] = urlForms(normal);
  if (address !== undefined) forms.add(address);
  return forms;
}

function plainForm(text: string): string {
  return canonicalNumber(text) ?? text;
}

/** An address of a page without its scheme, then its host. */
function urlForms(text: string): readonly string[] {
  if (!text.startsWith("http")) return [];
  const rest = withoutSlashes(/^https?:\/\/(\S+)$/.exec(text)?.[1] ?? "");
  if (rest === "") return [];
  const host = /^[^/?#]+/.exec(rest)?.[0];
  return host === undefined || host.includes("@") ? [rest] : [rest, host];
}
