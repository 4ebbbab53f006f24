import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bigintArray, doubleArray, textArray } from "./postgres-array.ts";
import { PostgresConnections } from "./postgres-connections.ts";
import { openTestDatabase, type TestDatabase } from "./postgres-database.test-support.ts";

let database: TestDatabase;
let connections: PostgresConnections;
beforeAll(async () => {
  database = await openTestDatabase();
  connections = new PostgresConnections({ url: database.url });
});
afterAll(async () => {
  await connections.end();
  await database.drop();
});

const texts = fc.array(fc.option(fc.string({ unit: "binary", maxLength: 40 })), { maxLength: 30 });
const doubles = fc.array(fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })), { maxLength: 30 });
const numbers = fc.array(fc.option(fc.maxSafeInteger()), { maxLength: 30 });

describe("arrays in binary form", () => {
  it("read as what was written", async () => {
    await fc.assert(
      fc.asyncProperty(texts, numbers, doubles, async (strings, integers, floats) => {
        const [row] = await connections.query<{ texts: unknown; numbers: unknown; doubles: unknown }>(
          "select to_json($1::text[]) as texts, to_json($2::bigint[]) as numbers, $3::double precision[] as doubles",
          [textArray(strings), bigintArray(integers), doubleArray(floats)],
        );
        const storable = strings.map((text) =>
          text === null ? null : Buffer.from(text).toString().replaceAll("\0", "\ufffd"),
        );
        expect(row).toEqual({ texts: storable, numbers: integers, doubles: floats });
      }),
      { numRuns: 200 },
    );
  });
});
