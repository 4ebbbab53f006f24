import { afterAll, beforeAll, describe, it } from "vitest";
import { DAY_MS } from "./contract/contract-case.test-support.ts";
import { STORE_CONTRACT } from "./contract/store-contract.test-support.ts";
import type { Store } from "./store.ts";
import { openTestStore } from "./test-store.test-support.ts";

describe("the store contract on SQLite", () => {
  let store: Store;
  let nowMs = DAY_MS;
  const clock = {
    nowMs: () => nowMs,
    advance: (ms: number) => {
      nowMs += ms;
    },
  };

  beforeAll(async () => {
    store = await openTestStore({ nowMs: clock.nowMs });
  });
  afterAll(() => store.close());

  it.each(STORE_CONTRACT)("$name", async ({ name, run }) => {
    const workspaceId = `of ${name}`;
    const otherId = `beside ${name}`;
    for (const id of [workspaceId, otherId]) {
      await store.workspaces.create({ workspaceId: id, name: id, createdAtMs: 0 });
    }
    await run({ store, workspaceId, otherId, clock });
  });
});
