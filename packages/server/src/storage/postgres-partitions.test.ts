import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { firstEventIdAt } from "./event-time.ts";
import { PostgresConnections } from "./postgres-connections.ts";
import { openTestDatabase, type TestDatabase } from "./postgres-database.test-support.ts";
import { PostgresPartitions } from "./postgres-partitions.ts";
import { againAfterLostRace } from "./postgres-retry.ts";

const DAY_MS = 86_400_000;
const NOON_MS = Date.parse("2026-11-23T12:00:00Z");
const TODAY_MS = Date.parse("2026-11-23T00:00:00Z");

let database: TestDatabase;
let connections: PostgresConnections;
let partitions: PostgresPartitions;

beforeEach(async () => {
  database = await openTestDatabase();
  connections = new PostgresConnections({ url: database.url });
  partitions = new PostgresPartitions(connections);
  await database.query(
    'create table events (workspace_id text collate "C", event_id text collate "C", primary key (workspace_id, event_id)) partition by range (event_id)',
  );
  await database.query("create table events_default partition of events default");
});
afterEach(async () => {
  await connections.end();
  await database.drop();
});

const insertAt = (timesMs: readonly number[]) =>
  database.query("insert into events select 'w', unnest($1::text[])", [
    timesMs.map((timeMs) => firstEventIdAt(timeMs).replace("-0000-0000-", "-7000-8000-")),
  ]);

const counts = () =>
  database.query("select tableoid::regclass::text as name, count(*)::int from events group by 1 order by 1");

describe("PostgresPartitions", () => {
  it("prepares yesterday, today and seven days ahead, once", async () => {
    expect(await partitions.prepare(NOON_MS)).toBe(9);
    expect(await partitions.prepare(NOON_MS)).toBe(0);
    const list = await partitions.list();
    expect(list.at(0)).toEqual({ name: "events_20261122", fromMs: TODAY_MS - DAY_MS, untilMs: TODAY_MS });
    expect(list.at(-1)).toEqual({
      name: "events_20261130",
      fromMs: TODAY_MS + 7 * DAY_MS,
      untilMs: TODAY_MS + 8 * DAY_MS,
    });
    expect(await partitions.prepare(NOON_MS + DAY_MS)).toBe(1);
  });

  it("puts each event into its day, and what fits none into the default partition", async () => {
    await partitions.prepare(NOON_MS);
    await insertAt([0, TODAY_MS - 1, TODAY_MS, TODAY_MS + DAY_MS - 1, TODAY_MS + 90 * DAY_MS]);
    expect(await counts()).toEqual([
      { name: "events_20261122", count: 1 },
      { name: "events_20261123", count: 2 },
      { name: "events_default", count: 2 },
    ]);
  });

  it("moves what waits in the default partition into a new day", async () => {
    await insertAt([TODAY_MS, NOON_MS, TODAY_MS + DAY_MS, 5]);
    await partitions.ensure(TODAY_MS, TODAY_MS + DAY_MS);
    expect(await counts()).toEqual([
      { name: "events_20261123", count: 2 },
      { name: "events_default", count: 2 },
    ]);
  });

  it("drops whole days that have passed, and old rows of the default partition", async () => {
    await partitions.prepare(NOON_MS);
    await insertAt([5, 6, TODAY_MS - 1, TODAY_MS, TODAY_MS + 30 * DAY_MS]);
    expect(await partitions.prune(TODAY_MS)).toBe(3);
    expect(await counts()).toEqual([
      { name: "events_20261123", count: 1 },
      { name: "events_default", count: 1 },
    ]);
    expect(await partitions.prune(TODAY_MS)).toBe(0);
  });

  it("keeps a day that has not wholly passed", async () => {
    await partitions.prepare(NOON_MS);
    await insertAt([TODAY_MS]);
    await partitions.prune(NOON_MS);
    expect(await counts()).toEqual([{ name: "events_20261123", count: 1 }]);
  });

  it("lets several processes prepare and prune at once, while events come", async () => {
    const others = [1, 2, 3].map(() => new PostgresConnections({ url: database.url, poolSizeMax: 2 }));
    const writing = Promise.all(
      Array.from({ length: 200 }, (_, at) => {
        const eventId = `${firstEventIdAt(NOON_MS + at).slice(0, 13)}-7000-8000-000000000000`;
        return againAfterLostRace(() => connections.query("insert into events values ('w', $1)", [eventId]));
      }),
    );
    const made = await Promise.all(others.map((other) => new PostgresPartitions(other).prepare(NOON_MS)));
    await writing;
    expect(made.reduce((sum, count) => sum + count, 0)).toBe(9);
    expect(await database.query("select count(*)::int from events")).toEqual([{ count: 200 }]);
    await Promise.all(others.map((other) => new PostgresPartitions(other).prune(TODAY_MS)));
    expect((await partitions.list()).at(0)?.name).toBe("events_20261123");
    await Promise.all(others.map((other) => other.end()));
  });
});
