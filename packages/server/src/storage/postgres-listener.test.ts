import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openTestDatabase, type TestDatabase } from "./postgres-database.test-support.ts";
import { PostgresListener } from "./postgres-listener.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.drop());

const notify = (workspaceId: string) => database.query("select pg_notify('handlebar_changes', $1)", [workspaceId]);

describe("PostgresListener", () => {
  it("tells its hearers, and ends with the last one", async () => {
    const listener = new PostgresListener({ url: database.directUrl });
    const first: string[] = [];
    const second: string[] = [];
    const endFirst = listener.add((workspaceId) => first.push(workspaceId));
    const endSecond = listener.add((workspaceId) => second.push(workspaceId));
    await vi.waitFor(() => expect(listener.isListening).toBe(true), 20_000);
    await notify("w1");
    await vi.waitFor(() => expect([first, second]).toEqual([["w1"], ["w1"]]), 20_000);
    endFirst();
    await notify("w2");
    await vi.waitFor(() => expect([first, second]).toEqual([["w1"], ["w1", "w2"]]), 20_000);
    endSecond();
    expect(listener.isListening).toBe(false);
    listener.close();
  });

  it("connects again when the connection breaks, and says so", async () => {
    const problems: unknown[] = [];
    const listener = new PostgresListener({ url: database.directUrl, onProblem: (problem) => problems.push(problem) });
    const heard: string[] = [];
    listener.add((workspaceId) => heard.push(workspaceId));
    await vi.waitFor(() => expect(listener.isListening).toBe(true), 20_000);
    await database.disconnectAll();
    await vi.waitFor(() => expect(listener.isListening).toBe(false), 20_000);
    await vi.waitFor(() => expect(listener.isListening).toBe(true), 20_000);
    await notify("w3");
    await vi.waitFor(() => expect(heard).toEqual(["w3"]), 20_000);
    expect(problems).toMatchObject([{ code: "HB_STORE_UNAVAILABLE" }]);
    listener.close();
  });

  it("keeps trying while nothing answers, and stops when closed", async () => {
    const problems: unknown[] = [];
    const listener = new PostgresListener({
      url: "postgres://nobody@127.0.0.1:1/none",
      onProblem: (problem) => problems.push(problem),
    });
    listener.add(() => undefined);
    await vi.waitFor(() => expect(problems.length).toBeGreaterThanOrEqual(2), 20_000);
    listener.close();
    expect(listener.isListening).toBe(false);
  });
});
