import { labelsOf, seedLabels } from "@handlebar/engine";
import { describe, expect, it } from "vitest";
import { STATE_ATTEMPT_COUNT_MAX, STATE_COUNT_MAX } from "../limits.ts";
import type { RunStateRecord, RunStatesTable } from "../storage/run-states-table.ts";
import { type HeldState, StateBook } from "./state-book.ts";

/** States in memory, as several processes would share them. */
class MemoryTable implements Pick<RunStatesTable, "get" | "version" | "put"> {
  readonly records = new Map<string, RunStateRecord>();
  readonly asked = { get: 0, version: 0, put: 0 };
  /** Done before the next write, as another process would. */
  beforePut: () => void = () => undefined;

  get(_workspaceId: string, runId: string): Promise<RunStateRecord | undefined> {
    this.asked.get += 1;
    return Promise.resolve(this.records.get(runId));
  }

  version(_workspaceId: string, runId: string): Promise<number | undefined> {
    this.asked.version += 1;
    return Promise.resolve(this.records.get(runId)?.version);
  }

  put(_workspaceId: string, states: readonly RunStateRecord[]): Promise<readonly string[]> {
    this.asked.put += 1;
    this.beforePut();
    const refused = states.filter((state) => state.version !== (this.records.get(state.runId)?.version ?? 0) + 1);
    for (const state of states) if (!refused.includes(state)) this.records.set(state.runId, state);
    return Promise.resolve(refused.map(({ runId }) => runId));
  }
}

const bookOf = (table: MemoryTable, isSoleWriter = false): StateBook =>
  new StateBook({
    table,
    isSoleWriter,
    runtime: { nowMs: () => 7 },
    begin: () => Promise.resolve({ startedAtMs: 5 }),
  });

const keyOf = (stateId: string) => ({ workspaceId: "w", stateId });

/** Adds a label; gives all labels after it. */
const adding =
  (label: string) =>
  ({ state, touch }: HeldState): Promise<readonly string[]> => {
    seedLabels(state.flow, [label]);
    touch();
    return Promise.resolve([...labelsOf(state)]);
  };

const reading = ({ state }: HeldState): Promise<readonly string[]> => Promise.resolve([...labelsOf(state)]);

describe("StateBook", () => {
  it("has each state worked on by one at a time, and writes what was changed", async () => {
    const table = new MemoryTable();
    const book = bookOf(table);
    let atWork = 0;
    const works = Array.from({ length: 5 }, (_, at) =>
      book.use(keyOf("run"), async (held) => {
        atWork += 1;
        expect(atWork).toBe(1);
        await Promise.resolve();
        atWork -= 1;
        return adding(`l${at}`)(held);
      }),
    );
    const labels = await Promise.all(works);
    expect(labels.at(-1)).toEqual(["l0", "l1", "l2", "l3", "l4"]);
    expect(table.records.get("run")).toMatchObject({ version: 5, startedAtMs: 5, isTerminated: false });
    expect(table.asked.get).toBe(1);
  });

  it("writes nothing that was not changed", async () => {
    const table = new MemoryTable();
    expect(await bookOf(table).use(keyOf("run"), reading)).toEqual([]);
    expect([table.asked.put, table.records.size]).toEqual([0, 0]);
  });

  it("does the work again on what another process wrote", async () => {
    const table = new MemoryTable();
    const [here, there] = [bookOf(table), bookOf(table)];
    await here.use(keyOf("run"), adding("a"));
    expect(await there.use(keyOf("run"), adding("b"))).toEqual(["a", "b"]);
    expect(await here.use(keyOf("run"), adding("c"))).toEqual(["a", "b", "c"]);
    expect(await there.use(keyOf("run"), reading)).toEqual(["a", "b", "c"]);
  });

  it("does not ask what it alone writes", async () => {
    const table = new MemoryTable();
    const book = bookOf(table, true);
    await book.use(keyOf("run"), adding("a"));
    await book.use(keyOf("run"), reading);
    expect(table.asked).toEqual({ get: 1, version: 0, put: 1 });
  });

  it("gives up when others always come first", async () => {
    const table = new MemoryTable();
    const book = bookOf(table);
    table.beforePut = () => {
      const version = (table.records.get("run")?.version ?? 0) + 1;
      const record = table.records.get("run") ?? {
        runId: "run",
        startedAtMs: 1,
        snapshotJson: "",
        isTerminated: false,
      };
      table.records.set("run", { ...record, snapshotJson: SNAPSHOT, version });
    };
    let count = 0;
    const work = (held: HeldState): Promise<unknown> => {
      count += 1;
      return adding("a")(held);
    };
    await expect(book.use(keyOf("run"), work)).rejects.toMatchObject({ code: "HB_OVERLOADED" });
    expect(count).toBe(STATE_ATTEMPT_COUNT_MAX);
  });

  it("forgets what work that failed has half done", async () => {
    const table = new MemoryTable();
    const book = bookOf(table);
    const failing = async (held: HeldState): Promise<void> => {
      await adding("half")(held);
      throw new RangeError("no");
    };
    await expect(book.use(keyOf("run"), failing)).rejects.toThrow(RangeError);
    expect(await book.use(keyOf("run"), reading)).toEqual([]);
  });

  it("keeps that a run was ended", async () => {
    const table = new MemoryTable();
    await bookOf(table).use(keyOf("run"), (held) => Promise.resolve(held.terminate()));
    expect(await bookOf(table).use(keyOf("run"), (held) => Promise.resolve(held.isTerminated))).toBe(true);
  });

  it("keeps no more than its bound, and reads again what left", async () => {
    const table = new MemoryTable();
    const book = bookOf(table, true);
    await book.use(keyOf("first"), adding("a"));
    for (let at = 0; at < STATE_COUNT_MAX; at++) await book.use(keyOf(`run-${at}`), reading);
    const { get } = table.asked;
    expect(await book.use(keyOf("first"), reading)).toEqual(["a"]);
    expect(table.asked.get).toBe(get + 1);
  });

  it("refuses a snapshot that it cannot read", async () => {
    const table = new MemoryTable();
    const record = { runId: "run", startedAtMs: 1, isTerminated: false, version: 1 };
    table.records.set("run", { ...record, snapshotJson: '{"version":99}' });
    await expect(bookOf(table).use(keyOf("run"), reading)).rejects.toMatchObject({ code: "HB_STATE_SNAPSHOT_INVALID" });
  });
});

let SNAPSHOT = "";
const maker = new MemoryTable();
await bookOf(maker).use(keyOf("run"), adding("theirs"));
SNAPSHOT = maker.records.get("run")?.snapshotJson ?? "";
