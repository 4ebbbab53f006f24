/** A value as it is compared: without regard to case, spacing, or how a number is written. `undefined` for what says nothing. */
export function normaliseValue(value: unknown): string | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : undefined;
  if (typeof value !== "string") return undefined;
  const text = normaliseText(value);
  return text === "" ? undefined : (canonicalNumber(text) ?? text);
}

export function normaliseText(text: string): string {
  return text.normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim();
}

/** `1,000.50` and `1000.5` are one number; `undefined` for text that is none. */
export function canonicalNumber(text: string): string | undefined {
  const plain = text.replace(/(?<=\d),(?=\d{3}(\D|$))/g, "");
  return /^-?\d{1,15}(\.\d{1,15})?$/.test(plain) && !/^-?0\d/.test(plain) ? String(Number(plain)) : undefined;
}

/** Without spaces and hyphens, so that `GB29 NWBK 6016` and `GB29NWBK6016` are one. */
export function compact(text: string): string {
  return text.replace(/[\s-]+/g, "");
}

/** Words, addresses, numbers and identifiers of a text. */
export function tokensOf(text: string): readonly string[] {
  return text.split(/[\s,;:!?"'`()[\]{}<>|]+/).flatMap((part) => {
    const token = part.replace(/^[.\-_/$€£]+|[.\-_/]+$/g, "");
    return token === "" ? [] : [token];
  });
}
