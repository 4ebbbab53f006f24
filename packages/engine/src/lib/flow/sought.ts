import { SEEN_LOOKUP_LENGTH_MAX } from "../limits.ts";
import { bareAddress, compactIdentifier, normaliseText } from "./normalise.ts";
import { partsOf, valueForms } from "./text-parts.ts";

/** A value that is looked for, made ready once for all places. */
export interface Sought {
  readonly normal: string;
  /** It is found as any of these. */
  readonly forms: ReadonlySet<string>;
  readonly parts: readonly string[];
  /** The value without spaces and hyphens, when it is an account number or the like. */
  readonly compact: string | undefined;
}

/** Stands for a value that is longer than what is looked for. */
export const TOO_LONG = "too long";

/** Makes a text or number ready to be looked for; `undefined` for what says nothing, such as an empty text. */
export function soughtOf(value: string | number): Sought | typeof TOO_LONG | undefined {
  const text = String(value);
  if (text.length > SEEN_LOOKUP_LENGTH_MAX) return TOO_LONG;
  const normal = normaliseText(text);
  if (normal === "") return undefined;
  if (normal.length > SEEN_LOOKUP_LENGTH_MAX) return TOO_LONG;
  return { normal, forms: valueForms(normal), parts: partsOf(normal), compact: compactIdentifier(normal) };
}

/**
 * The values that a text names: the addresses of a list such as `a@x.com, Bo <b@y.com>`, else the text itself. The name
 * before an address does not say where something goes.
 */
export function namedValues(value: string): readonly string[] {
  if (value.length > SEEN_LOOKUP_LENGTH_MAX || !value.includes("@")) return [value];
  const pieces = value.split(/[,;\n]+/).filter((piece) => piece.trim() !== "");
  const addresses = pieces.flatMap((piece) => addressOf(piece.trim()) ?? []);
  return addresses.length > 0 && addresses.length === pieces.length ? addresses : [value];
}

function addressOf(piece: string): string | undefined {
  return /^[^<>@\s]+@[^<>@\s]+$/.test(piece) ? piece : bareAddress(piece);
}
