import { afterAll, beforeAll, describe, it } from "vitest";
import { DAY_MS } from "./contract/contract-case.test-support.ts";
import { STORE_CONTRACT } from "./contract/store-contract.test-support.ts";
import { openTestPostgresStore, type TestPostgresStore } from "./postgres-store.test-support.ts";

describe("the store contract on PostgreSQL", () => {
  let opened: TestPostgresStore;
  let nowMs = DAY_MS;
  const clock = {
    nowMs: () => nowMs,
    advance: (ms: number) => {
      nowMs += ms;
    },
  };

  beforeAll(async () => {
    opened = await openTestPostgresStore({ nowMs: clock.nowMs });
  });
  afterAll(() => opened.close());

  it.each(STORE_CONTRACT)("$name", async ({ name, run }) => {
    const { store } = opened;
    const workspaceId = `of ${name}`;
    const otherId = `beside ${name}`;
    for (const id of [workspaceId, otherId]) {
      await store.workspaces.create({ workspaceId: id, name: id, createdAtMs: 0 });
    }
    await run({ store, workspaceId, otherId, clock });
  });
});
