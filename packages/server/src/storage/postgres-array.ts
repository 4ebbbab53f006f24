const TEXT_OID = 25;
const INT8_OID = 20;
const FLOAT8_OID = 701;

/** Dimensions, whether there are nulls, the type, the length, the first index: four bytes each. */
const HEADER_BYTES = 20;

const LENGTH_BYTES = 4;
const NUMBER_BYTES = 8;

function header(target: Buffer, oid: number, count: number): void {
  target.writeInt32BE(1, 0);
  target.writeInt32BE(1, 4);
  target.writeInt32BE(oid, 8);
  target.writeInt32BE(count, 12);
  target.writeInt32BE(1, 16);
}

/** PostgreSQL's text cannot hold U+0000: it is stored, and looked for, as U+FFFD. */
export function storableText(text: string): string {
  return text.includes("\0") ? text.replaceAll("\0", "\ufffd") : text;
}

/**
 * `text[]` in PostgreSQL's binary form. The text form of an array, which the driver writes, puts a backslash before every quotation mark of JSON,
 * here and off again over there.
 */
export function textArray(values: readonly (string | null | undefined)[]): Buffer {
  const texts = values.map((value) => (value === null || value === undefined ? null : storableText(value)));
  let sizeBytes = HEADER_BYTES;
  for (const text of texts) sizeBytes += LENGTH_BYTES + (text === null ? 0 : Buffer.byteLength(text));
  const target = Buffer.allocUnsafe(sizeBytes);
  header(target, TEXT_OID, texts.length);
  let at = HEADER_BYTES;
  for (const text of texts) {
    const written = text === null ? -1 : target.write(text, at + LENGTH_BYTES);
    target.writeInt32BE(written, at);
    at += LENGTH_BYTES + Math.max(written, 0);
  }
  return target;
}

/** `bigint[]` in PostgreSQL's binary form. */
export function bigintArray(values: readonly (number | null | undefined)[]): Buffer {
  return numberArray(values, INT8_OID, (target, value, at) => target.writeBigInt64BE(BigInt(value), at));
}

/** `double precision[]` in PostgreSQL's binary form. */
export function doubleArray(values: readonly (number | null | undefined)[]): Buffer {
  return numberArray(values, FLOAT8_OID, (target, value, at) => target.writeDoubleBE(value, at));
}

function numberArray(
  values: readonly (number | null | undefined)[],
  oid: number,
  write: (target: Buffer, value: number, at: number) => number,
): Buffer {
  const nullCount = values.reduce<number>((count, value) => count + (value === null || value === undefined ? 1 : 0), 0);
  const target = Buffer.allocUnsafe(
    HEADER_BYTES + values.length * (LENGTH_BYTES + NUMBER_BYTES) - nullCount * NUMBER_BYTES,
  );
  header(target, oid, values.length);
  let at = HEADER_BYTES;
  for (const value of values) {
    if (value === null || value === undefined) {
      at = target.writeInt32BE(-1, at);
    } else {
      at = target.writeInt32BE(NUMBER_BYTES, at);
      at = write(target, value, at);
    }
  }
  return target;
}
