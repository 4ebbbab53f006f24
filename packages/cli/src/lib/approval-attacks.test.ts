import { ATTACK_POLICY, attackSuite } from "@handlebar/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CoreAttackWorld } from "./approval-world.fixture.ts";
import { startControlPlane, type TestControlPlane } from "./control-plane.fixture.ts";
import { sandbox } from "./sandbox.fixture.ts";

let plane: TestControlPlane;
const cwd = sandbox();

beforeAll(async () => {
  plane = await startControlPlane();
  await plane.call("PUT", "/v1/policies/attacked", { policy: ATTACK_POLICY });
});
afterAll(() => plane.stop());

const COLUMNS = [
  { evaluation: "local", column: "core" },
  { evaluation: "remote", column: "core, deciding on the control plane" },
] as const;

describe.each(COLUMNS)("approvals of the core, decided by the $evaluation engine", ({ evaluation, column }) => {
  const worlds: CoreAttackWorld[] = [];
  afterAll(async () => {
    await Promise.all(worlds.map((world) => world.shutdown()));
  });
  const open = (): CoreAttackWorld => {
    const world = new CoreAttackWorld(plane, { evaluation, cwd });
    worlds.push(world);
    return world;
  };
  const framework = `the core and a server, ${evaluation} engine`;
  const suite = attackSuite({ column, framework }, [{ name: "run.tool", open }]);

  for (const { name, run } of suite.cases) it(name, run);

  it("give the results that are checked in", async () => {
    const file = `../../approval-attacks/${evaluation}.json`;
    await expect(`${JSON.stringify(suite.results(), null, 2)}\n`).toMatchFileSnapshot(file);
  });
});
