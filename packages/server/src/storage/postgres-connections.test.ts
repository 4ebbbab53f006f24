import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PostgresConnections } from "./postgres-connections.ts";
import { openTestDatabase, type TestDatabase } from "./postgres-database.test-support.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.drop());

async function withConnections<T>(
  work: (connections: PostgresConnections) => Promise<T>,
  statementTimeoutMs = 20_000,
): Promise<T> {
  const connections = new PostgresConnections({ url: database.url, statementTimeoutMs });
  try {
    return await work(connections);
  } finally {
    await connections.end();
  }
}

describe("PostgresConnections", () => {
  it("reads bigint and numeric as numbers", async () => {
    const rows = await withConnections((connections) =>
      connections.query(
        "select 9007199254740991::bigint as large, sum(x)::numeric as total from unnest(array[1, 2]) as x",
      ),
    );
    expect(rows).toEqual([{ large: 9007199254740991, total: 3 }]);
  });

  it("stores U+0000 as U+FFFD, in arrays too", async () => {
    const rows = await withConnections((connections) =>
      connections.query("select $1::text as one, $2::text[] as many", ["a\0b", ["c\0", "d"]]),
    );
    expect(rows).toEqual([{ one: "a\ufffdb", many: ["c\ufffd", "d"] }]);
  });

  it("accepts the server of the tests", async () => {
    await expect(withConnections((connections) => connections.checkServer())).resolves.toBeUndefined();
  });

  it("says that a statement took too long, and goes on", async () => {
    await withConnections(async (connections) => {
      await expect(connections.query("select pg_sleep(20)")).rejects.toMatchObject({ code: "HB_STORE_UNAVAILABLE" });
      expect(await connections.query("select 1 as one")).toEqual([{ one: 1 }]);
    }, 500);
  });

  it("does nothing of a transaction that fails", async () => {
    await withConnections(async (connections) => {
      await connections.query("create table half (x int)");
      const failing = connections.transaction(async (connection) => {
        await connection.query("insert into half values (1)", []);
        await connection.query("select 1 / 0", []);
      });
      await expect(failing).rejects.toMatchObject({ code: "22012" });
      expect(await connections.query("select count(*) as count from half")).toEqual([{ count: 0 }]);
    });
  });

  it("goes on after the database ended its connections", async () => {
    await withConnections(async (connections) => {
      const running = connections.transaction(async (connection) => {
        await database.disconnectAll();
        await connection.query("select 1", []);
      });
      await expect(running).rejects.toMatchObject({ code: "HB_STORE_UNAVAILABLE" });
      expect(await connections.query("select 1 as one")).toEqual([{ one: 1 }]);
    });
  });

  it("says that there is no such database", async () => {
    const address = new URL(database.url);
    address.pathname = "/nowhere";
    const connections = new PostgresConnections({ url: address.href });
    await expect(connections.query("select 1")).rejects.toMatchObject({ code: "HB_STORE_UNAVAILABLE" });
    await connections.end();
  });

  it("says that nothing listens", async () => {
    const connections = new PostgresConnections({ url: "postgres://nobody:secret@127.0.0.1:1/none" });
    const failure = await connections.query("select 1").catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "HB_STORE_UNAVAILABLE" });
    expect(String(failure)).not.toContain("secret");
    await connections.end();
  });

  it.each([
    ["not a url", "the database's URL is not one"],
    ["mysql://a@b/c", "the database's URL is not one"],
    ["postgres://a@b/c?sslmode=prefer", "`sslmode=prefer` is not supported"],
    ["postgres://a@b/c?sslmode=no-verify", "`sslmode=no-verify` is not supported"],
    ["postgres://a@b/c?sslmode=verify-ca", "`sslmode=verify-ca` needs `sslrootcert`"],
    ["postgres://a@b/c?sslmode=verify-full&sslrootcert=/nowhere/ca.pem", "`sslrootcert` names `/nowhere/ca.pem`"],
  ])("refuses `%s`", (url, message) => {
    expect(() => new PostgresConnections({ url })).toThrow(message);
  });
});
