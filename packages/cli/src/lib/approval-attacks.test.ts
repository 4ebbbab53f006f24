import { ATTACK_POLICY, approvalAttacks } from "@handlebar/testing";
import { afterAll, beforeAll, describe, it } from "vitest";
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

describe.each(["local", "remote"] as const)("approvals of the core, decided by the %s engine", (evaluation) => {
  const worlds: CoreAttackWorld[] = [];
  afterAll(async () => {
    await Promise.all(worlds.map((world) => world.close()));
  });
  const cases = approvalAttacks(() => {
    const world = new CoreAttackWorld(plane, { evaluation, cwd });
    worlds.push(world);
    return world;
  });

  it.each(cases.map((one) => [one.name, one] as const))("%s", (_name, { run }) => run());
});
