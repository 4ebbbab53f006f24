import { agentAnswerSchema, lockdownAnswerSchema } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { LockdownWorld } from "./lockdown-world.fixture.ts";
import { type SimPlane, startSimPlane } from "./sim-plane.fixture.ts";

const SEEDS = Array.from({ length: 3 }, (_, seed) => seed);
const PLACE_COUNT = 4;
const EPOCH_COUNT = 8;

function addFaults({ network }: SimPlane): void {
  network.addFault({ path: /\/ack$/, probability: 0.15, fault: { kind: "drop" } });
  network.addFault({ path: /\/ack$/, probability: 0.15, fault: { kind: "reset" } });
  network.addFault({ path: /\/ack$/, probability: 0.1, fault: { kind: "duplicate" } });
  network.addFault({ path: /\/ack$/, probability: 0.3, fault: { kind: "delay", ms: [0, 8_000] } });
  network.addFault({ path: /\/stream$/, probability: 0.2, fault: { kind: "hang" } });
  network.addFault({ path: /\/stream$/, probability: 0.2, fault: { kind: "status", status: 503 } });
  network.addFault({ path: /\/state$/, probability: 0.1, fault: { kind: "drop" } });
  network.addFault({ path: /\/state$/, probability: 0.2, fault: { kind: "delay", ms: [0, 2_000] } });
  network.addFault({ path: /\/check$/, probability: 0.3, fault: { kind: "delay", ms: [0, 3_000] } });
}

async function disturb(world: LockdownWorld): Promise<void> {
  const { plane, random } = world;
  if (random.chance(0.3)) plane.network.cutStreams();
  if (random.chance(0.2)) plane.network.stallStreams();
  if (random.chance(0.3)) {
    const at = random.int(0, PLACE_COUNT - 1);
    world.kill(at);
    await plane.clock.advance(random.int(0, 2_000));
    world.startProcess(at);
  }
  if (random.chance(0.2)) {
    await plane.crash();
    await plane.clock.advance(random.int(100, 5_000));
    await plane.restart();
  }
}

describe("lockdowns of clients of a real control plane", () => {
  it.each(SEEDS)(
    "[SPEC 7.1] seed %i: nothing starts after a client said that it obeys",
    async (seed) => {
      const plane = await startSimPlane(`lockdown ${seed}`);
      const world = new LockdownWorld(plane);
      addFaults(plane);
      world.start(PLACE_COUNT);
      await plane.clock.advance(2_000);
      for (let epoch = 0; epoch < EPOCH_COUNT; epoch++) {
        await (world.random.chance(0.5) ? world.stopSomething() : world.liftSomething());
        await plane.clock.advance(world.random.int(0, 3_000));
        await disturb(world);
        await plane.clock.advance(world.random.int(500, 6_000));
      }
      await world.stopSomething();
      plane.network.clearFaults();
      // Longer than a silent stream is listened to, and than the pause between two words of an agent that could not be heard.
      await plane.clock.advance(120_000);
      expect(world.wrong).toEqual([]);
      const inForce = world.inForce;
      expect(world.applied).toEqual(world.applied.map(() => inForce));
      for (const id of inForce) {
        const { stragglers, ...answer } = lockdownAnswerSchema.parse(await plane.call("GET", `/v1/lockdowns/${id}`));
        const living = stragglers.filter(({ clientId }) => world.livingClientIds.includes(clientId));
        expect([answer.inForce, living]).toEqual([true, []]);
      }
      for (const slug of ["support", "billing"]) {
        const { clients } = agentAnswerSchema.parse(await plane.call("GET", `/v1/agents/${slug}`));
        for (const { clientId, lockdownIds } of clients) {
          const claims = world.claimsOf(clientId);
          expect(lockdownIds.filter((id) => !claims.has(id))).toEqual([]);
        }
      }
      expect(world.startedCount).toBeGreaterThan(100);
      await world.stop();
      await plane.stop();
    },
    300_000,
  );
});
