import { openTestDatabase, type TestDatabase } from "./postgres-database.test-support.ts";
import { openPostgresStore, type PostgresStoreOptions } from "./postgres-store.ts";
import type { Store } from "./store.ts";

/** The workspace that `openTestPostgresStore` makes, as `openTestStore` does. */
const TEST_WORKSPACE = "w1";

export interface TestPostgresStore {
  readonly store: Store;
  readonly database: TestDatabase;
  /** Another process's store on the same database. */
  replica(more?: Partial<PostgresStoreOptions>): Promise<Store>;
  /** Closes every store and drops the database. */
  close(): Promise<void>;
}

/** An empty store in a PostgreSQL database of its own, with the workspace `w1`. */
export async function openTestPostgresStore(options: Partial<PostgresStoreOptions> = {}): Promise<TestPostgresStore> {
  const database = await openTestDatabase();
  const stores: Store[] = [];
  const replica = async (more: Partial<PostgresStoreOptions> = {}): Promise<Store> => {
    const store = await openPostgresStore({
      url: database.url,
      directUrl: database.directUrl,
      poolSizeMax: 5,
      ...options,
      ...more,
    });
    stores.push(store);
    return store;
  };
  const store = await replica();
  await store.workspaces.create({ workspaceId: TEST_WORKSPACE, name: "test", createdAtMs: 0 });
  return {
    store,
    database,
    replica,
    close: async () => {
      await Promise.all(stores.map((one) => one.close()));
      await database.drop();
    },
  };
}
