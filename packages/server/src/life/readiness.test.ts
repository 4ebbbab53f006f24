import { describe, expect, it } from "vitest";
import { manualRuntime, settled } from "../services/manual-runtime.fixture.ts";
import { Readiness } from "./readiness.ts";

function setUp(ping: () => Promise<void>) {
  const runtime = manualRuntime();
  const said: string[] = [];
  const say = (_fields: object, message: string): void => void said.push(message);
  const log = { debug: say, info: say, warn: say, error: say };
  return { runtime, said, readiness: new Readiness({ store: { ping }, runtime, log }) };
}

describe("Readiness", () => {
  it("is there once the process has started and the database answers, until it stops", async () => {
    const { readiness } = setUp(async () => undefined);
    expect(await readiness.report()).toEqual({
      isReady: false,
      checks: { started: false, running: true, store: true },
    });
    readiness.started();
    expect(await readiness.report()).toEqual({ isReady: true, checks: { started: true, running: true, store: true } });
    readiness.stopping();
    expect(await readiness.report()).toMatchObject({ isReady: false, checks: { running: false } });
  });

  it("goes and comes with the database, and tells of each once", async () => {
    let isUp = true;
    const { readiness, runtime, said } = setUp(() => (isUp ? Promise.resolve() : Promise.reject(new Error("gone"))));
    readiness.started();
    const reports: boolean[] = [];
    for (const up of [true, false, false, true, true]) {
      isUp = up;
      await runtime.advance(1001);
      reports.push((await readiness.report()).isReady);
    }
    expect(reports).toEqual([true, false, false, true, true]);
    expect(said).toEqual(["the database does not answer", "the database answers again"]);
  });

  it("takes a database that does not answer in two seconds for one that is away", async () => {
    const { readiness, runtime } = setUp(() => new Promise(() => undefined));
    readiness.started();
    const report = readiness.report();
    await settled();
    await runtime.advance(2000);
    expect(await report).toMatchObject({ isReady: false, checks: { store: false } });
  });

  it("asks the database once a second, however many ask it", async () => {
    let count = 0;
    const { readiness, runtime } = setUp(async () => void count++);
    await Promise.all([readiness.report(), readiness.report()]);
    await readiness.report();
    expect(count).toBe(1);
    await runtime.advance(1001);
    await readiness.report();
    expect(count).toBe(2);
  });
});
