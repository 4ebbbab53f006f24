import type { LeaseOperation } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { LeaseDesk } from "./lease-desk.ts";
import { KEY, LeaseWorld } from "./lease-world.test-support.ts";

const settle = (leaseId: string): LeaseOperation => ({ op: "settle", leaseId, key: KEY, spent: 1 });

function open(): { readonly world: LeaseWorld; readonly desk: LeaseDesk } {
  const world = new LeaseWorld();
  return { world, desk: new LeaseDesk(world.desk) };
}

describe("the desk that asks about leases", () => {
  it("sends what comes up in one turn in one request, and gives each its answer", async () => {
    const { world, desk } = open();
    const asked = ["a", "b", "c"].map((leaseId) => desk.submit(settle(leaseId)));
    await world.settle();
    expect(world.posts.map(({ body }) => body)).toEqual([
      { clientId: "c1", operations: [settle("a"), settle("b"), settle("c")] },
    ]);
    world.last.answer({ granted: 1 }, { granted: 2 }, { granted: 3 });
    expect((await Promise.all(asked)).map((lease) => [lease?.leaseId, lease?.granted])).toEqual([
      ["a", 1],
      ["b", 2],
      ["c", 3],
    ]);
  });

  it("sends what comes up afterwards without waiting for the answer", async () => {
    const { world, desk } = open();
    void desk.submit(settle("a"));
    await world.settle();
    void desk.submit(settle("b"));
    await world.settle();
    expect(world.posts.map(({ operations }) => operations)).toEqual([[settle("a")], [settle("b")]]);
  });

  it("sends no more than 256 at once, in order", async () => {
    const { world, desk } = open();
    const names = Array.from({ length: 300 }, (_, at) => `l${at}`);
    for (const name of names) void desk.submit(settle(name));
    await world.settle();
    expect(world.posts.map(({ operations }) => operations.length)).toEqual([256, 44]);
    expect(world.takeOperations().map(({ leaseId }) => leaseId)).toEqual(names);
    void desk.submit(settle("next"));
    await world.settle();
    expect(world.takeOperations()).toEqual([settle("next")]);
  });

  it("has no answer where there is none for that lease", async () => {
    const { world, desk } = open();
    const asked = ["a", "b", "c"].map((leaseId) => desk.submit(settle(leaseId)));
    await world.settle();
    world.last.answer({ granted: 1 }, { leaseId: "a", granted: 9 });
    const answers = await Promise.all(asked);
    expect(answers.map((lease) => lease?.granted)).toEqual([1, undefined, undefined]);
  });

  it("has no answer where the connection breaks, or nothing is answered within two seconds", async () => {
    const { world, desk } = open();
    const broken = desk.submit(settle("a"));
    await world.settle();
    world.last.fail();
    expect(await broken).toBeUndefined();
    let late: unknown = "waiting";
    void desk.submit(settle("b")).then((lease) => {
      late = lease;
    });
    await world.advance(1_999);
    expect(late).toBe("waiting");
    await world.advance(1);
    expect(late).toBeUndefined();
    // What is answered then is answered to nobody.
    world.last.answer({ granted: 5 });
    await world.settle();
    expect(late).toBeUndefined();
  });

  it("asks nothing before the agent is registered", async () => {
    const { world, desk } = open();
    world.agentId = undefined;
    expect(await desk.submit(settle("a"))).toBeUndefined();
    expect(world.posts).toEqual([]);
  });

  it("leaves a control plane alone for five seconds that failed five times in a row", async () => {
    const { world, desk } = open();
    for (let count = 0; count < 5; count++) {
      const asked = desk.submit(settle("a"));
      await world.settle();
      world.last.fail();
      await asked;
    }
    expect(await desk.submit(settle("a"))).toBeUndefined();
    expect(world.posts).toHaveLength(5);
    await world.advance(5_000);
    const again = desk.submit(settle("a"));
    await world.settle();
    world.last.answer({ granted: 1 });
    expect(await again).toMatchObject({ granted: 1 });
  });
});
