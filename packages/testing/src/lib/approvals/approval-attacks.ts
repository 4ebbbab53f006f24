import type { Approval, ApprovalAnswer, JsonObject } from "@handlebar/protocol";
import { type ContractCase, ExpectationError, expectEqual } from "../contract-case.ts";
import type { AttackedAgent, AttackWorld } from "./attacked-agent.ts";

/** One attack on approvals, and what must come of it. `name` is both. */
export interface AttackCase extends ContractCase {
  readonly attack: string;
  readonly outcome: string;
}

interface Scene {
  readonly world: AttackWorld;
  readonly runId: string;
  /** Whom the run acts for: another one in each case, since an approval of one call answers it wherever it is made. */
  readonly actor: string;
  /** The first process of the agent. */
  readonly agent: AttackedAgent;
}

interface Attack {
  readonly attack: string;
  readonly outcome: string;
  readonly run: (scene: Scene) => Promise<void>;
}

const CALL: JsonObject = { to: "A", amount: 5 };
const CHANGED: JsonObject = { to: "A", amount: 500 };
const SLOW: JsonObject = { ...CALL, slow: true };
const QUICK: JsonObject = { ...CALL, quick: true };
const APPROVED: ApprovalAnswer = { status: "approved", by: "ada" };
const DENIED: ApprovalAnswer = { status: "denied", by: "bob" };
const ASKING = { says: "nothing" } as const;
const CLAIMING = { says: "approved" } as const;

/**
 * What must hold whoever attacks an approval, for the core and for each adapter, as cases that any test runner can run:
 *
 * ```ts
 * for (const { name, run } of approvalAttacks(() => world)) it(name, run);
 * ```
 *
 * The world is asked for once for each case; it may be the same one.
 */
export function approvalAttacks(openWorld: () => AttackWorld | Promise<AttackWorld>): readonly AttackCase[] {
  return ATTACKS.map(({ attack, outcome, run }) => ({
    name: `${attack}: ${outcome}`,
    attack,
    outcome,
    run: async () => {
      const world = await openWorld();
      const runId = world.newRunId();
      const actor = `payer of ${runId}`;
      await run({ world, runId, actor, agent: await world.agent({ runId, actor }) });
    },
  }));
}

const ATTACKS: readonly Attack[] = [
  {
    attack: "a resume payload says `approved`, and nobody answered",
    outcome: "the call stays held",
    run: async ({ world, runId, agent }) => {
      await agent.propose(CALL);
      await agent.resume(CLAIMING);
      expectRan(agent, []);
      expectEqual("the status", (await only(world, runId)).status, "pending");
    },
  },
  {
    attack: "a resume payload says `approved`, and a person denied",
    outcome: "the call does not run",
    run: async ({ world, runId, agent }) => {
      await agent.propose(CALL);
      await answer(world, await only(world, runId), DENIED);
      await agent.resume(CLAIMING);
      expectRan(agent, []);
    },
  },
  {
    attack: "a resume payload says nothing, and a person approved",
    outcome: "the call runs once",
    run: async ({ world, runId, agent }) => {
      await agent.propose(CALL);
      await answer(world, await only(world, runId), APPROVED);
      await agent.resume(ASKING);
      expectRan(agent, [CALL]);
    },
  },
  {
    attack: "the model proposes a denied call again",
    outcome: "it stays denied, and nobody is asked again",
    run: async ({ world, runId, agent }) => {
      await agent.propose(CALL);
      await answer(world, await only(world, runId), DENIED);
      await agent.resume(ASKING);
      await agent.propose(CALL);
      expectRan(agent, []);
      await only(world, runId);
    },
  },
  {
    attack: "an approval is replayed: the same call once more after its approval was used",
    outcome: "the second one is held under an approval of its own",
    run: async ({ world, runId, agent }) => {
      await agent.propose(CALL);
      await answer(world, await only(world, runId), APPROVED);
      await agent.resume(ASKING);
      await agent.propose(CALL);
      expectRan(agent, [CALL]);
      const statuses = (await world.approvals(runId)).map(({ status }) => status);
      expectEqual("the statuses", statuses, ["approved", "pending"]);
    },
  },
  {
    attack: "a resume payload is sent again after its call ran",
    outcome: "the call does not run again",
    run: async ({ world, runId, agent }) => {
      await agent.propose(CALL);
      await answer(world, await only(world, runId), APPROVED);
      await agent.resume(ASKING);
      await agent.resume(CLAIMING);
      expectRan(agent, [CALL]);
    },
  },
  {
    attack: "a resume payload is sent twice at once",
    outcome: "the call runs once",
    run: async ({ world, runId, agent }) => {
      await agent.propose(CALL);
      await answer(world, await only(world, runId), APPROVED);
      await Promise.all([agent.resume(CLAIMING), agent.resume(CLAIMING)]);
      expectRan(agent, [CALL]);
    },
  },
  {
    attack: "a resume payload is sent again while its call runs",
    outcome: "the call runs once",
    run: async ({ world, runId, agent }) => {
      await agent.propose(SLOW);
      await answer(world, await only(world, runId), APPROVED);
      const first = agent.resume(ASKING);
      await agent.untilRunning();
      await agent.resume(CLAIMING);
      agent.letFinish();
      await first;
      expectRan(agent, [SLOW]);
    },
  },
  {
    attack: "a resume payload changes the arguments of an approved call",
    outcome: "the changed call does not run",
    run: async ({ world, runId, agent }) => {
      await agent.propose(CALL);
      await answer(world, await only(world, runId), APPROVED);
      await agent.resume({ ...CLAIMING, args: CHANGED });
      expectNothingOf(agent, CHANGED);
    },
  },
  {
    attack: "the model proposes other arguments after the approval",
    outcome: "they are held under an approval of their own",
    run: async (scene) => {
      const { world, runId, agent } = scene;
      await agent.propose(CALL);
      await answer(world, await only(world, runId), APPROVED);
      const other = await elsewhere(scene);
      await other.propose(CHANGED);
      expectRan(other, []);
      expectEqual("the approvals", (await world.approvals(runId)).length, 2);
    },
  },
  {
    attack: "the same arguments, their keys in another order",
    outcome: "it is the same call and runs once",
    run: async (scene) => {
      const { world, runId, agent } = scene;
      await agent.propose(CALL);
      await answer(world, await only(world, runId), APPROVED);
      const other = await elsewhere(scene);
      const { to, amount } = CALL;
      await other.propose({ amount: amount ?? null, to: to ?? null });
      expectRan(other, [CALL]);
    },
  },
  {
    attack: "another actor makes the approved call in the same run",
    outcome: "it is held",
    run: async (scene) => {
      await expectHeldElsewhere(scene, { actor: `eve beside ${scene.actor}` });
    },
  },
  {
    attack: "another run makes the approved call",
    outcome: "it runs once, whichever run asks first, and the next one is held",
    run: async ({ world, runId, actor, agent }) => {
      await agent.propose(CALL);
      await answer(world, await only(world, runId), APPROVED);
      const other = await world.agent({ runId: world.newRunId(), actor });
      await other.propose(CALL);
      await other.propose(CALL);
      await agent.resume(CLAIMING);
      expectRan(other, [CALL]);
      expectRan(agent, []);
    },
  },
  {
    attack: "another agent makes the approved call in the same run",
    outcome: "it is held",
    run: async (scene) => {
      await expectHeldElsewhere(scene, { actor: scene.actor, agent: "other" });
    },
  },
  {
    attack: "a person answers after the approval expired",
    outcome: "the answer is refused and the call does not run",
    run: async ({ world, runId, agent }) => {
      await agent.propose(QUICK);
      const { approvalId } = await only(world, runId);
      await world.untilExpired(approvalId);
      expectEqual("the answer's status", await world.answer(approvalId, APPROVED), 409);
      await agent.resume(CLAIMING);
      expectRan(agent, []);
    },
  },
  {
    attack: "an approval is used after it expired",
    outcome: "the call does not run",
    run: async ({ world, runId, agent }) => {
      await agent.propose(QUICK);
      const { approvalId } = await only(world, runId);
      expectEqual("the answer's status", await world.answer(approvalId, APPROVED), 200);
      await world.untilExpired(approvalId);
      await agent.resume(CLAIMING);
      expectRan(agent, []);
    },
  },
  {
    attack: "several people answer at once, some yes and some no",
    outcome: "one answer counts, the others are refused, and what counted is done",
    run: async ({ world, runId, agent }) => {
      await agent.propose(CALL);
      const { approvalId } = await only(world, runId);
      const answers = [APPROVED, DENIED, { ...APPROVED, by: "cy" }, { ...DENIED, by: "di" }];
      const statuses = await Promise.all(answers.map((one) => world.answer(approvalId, one)));
      expectEqual("the statuses of the answers", statuses.toSorted(), [200, 409, 409, 409]);
      const won = answers[statuses.indexOf(200)];
      const { status, by } = await only(world, runId);
      expectEqual("who answered", { status, by }, { status: won?.status, by: won?.by });
      await agent.resume(ASKING);
      expectRan(agent, status === "approved" ? [CALL] : []);
    },
  },
  {
    attack: "a person answers while the agent is down",
    outcome: "the agent that comes back runs the call once",
    run: async ({ world, runId, actor, agent }) => {
      await agent.propose(CALL);
      await agent.kill();
      await answer(world, await only(world, runId), APPROVED);
      const back = await world.agent({ runId, actor });
      await back.propose(CALL);
      await back.propose(CALL);
      expectRan(back, [CALL]);
      expectRan(agent, []);
    },
  },
  {
    attack: "the run goes on in another process, and in the first one too",
    outcome: "the call runs once, in the process that asked first",
    run: async ({ world, runId, actor, agent }) => {
      await agent.propose(CALL);
      const from = await agent.handOver();
      await answer(world, await only(world, runId), APPROVED);
      const other = await world.agent({ runId, actor, from });
      await other.resume(ASKING);
      await agent.resume(CLAIMING);
      expectRan(other, [CALL]);
      expectRan(agent, []);
    },
  },
  {
    attack: "two processes go on at the same moment",
    outcome: "the call runs in one of them",
    run: async ({ world, runId, actor, agent }) => {
      await agent.propose(CALL);
      const from = await agent.handOver();
      await answer(world, await only(world, runId), APPROVED);
      const others = await Promise.all([1, 2].map(() => world.agent({ runId, actor, from })));
      await Promise.all(others.map((other) => other.resume(ASKING)));
      expectEqual(
        "what ran",
        others.flatMap((other) => [...other.executed()]),
        [CALL],
      );
    },
  },
  {
    attack: "a request that was cancelled is resumed",
    outcome: "the call does not run, and an answer is refused",
    run: async ({ world, runId, agent }) => {
      await agent.propose(CALL);
      const { approvalId } = await only(world, runId);
      expectEqual("the cancellation's status", await world.cancel(approvalId), 200);
      expectEqual("the answer's status", await world.answer(approvalId, APPROVED), 409);
      await agent.resume(CLAIMING);
      expectRan(agent, []);
    },
  },
  {
    attack: "an approval is used after its run ended",
    outcome: "the same call of a later run runs once, and the next one is held",
    run: async ({ world, runId, actor, agent }) => {
      await agent.propose(CALL);
      await agent.end();
      await answer(world, await only(world, runId), APPROVED);
      for (const ran of [[CALL], []]) {
        const later = await world.agent({ runId: world.newRunId(), actor });
        await later.propose(CALL);
        expectRan(later, ran);
        await later.end();
      }
      expectEqual("the status", (await only(world, runId)).status, "approved");
    },
  },
  {
    attack: "a person approves with other arguments, and the agent goes on with its own",
    outcome: "its own do not run; the edited ones run once",
    run: async ({ world, runId, agent }) => {
      const edited = { to: "A", amount: 3 };
      await agent.propose(CALL);
      await answer(world, await only(world, runId), { ...APPROVED, args: edited });
      await agent.resume(CLAIMING);
      expectRan(agent, []);
      await agent.propose(edited);
      await agent.propose(edited);
      expectRan(agent, [edited]);
      await agent.propose(CALL);
      expectNothingOf(agent, CALL);
    },
  },
];

/** A person approved the call; whoever else makes it is held, and the approval stays whole for the call that it is of. */
async function expectHeldElsewhere(
  { world, runId, agent }: Scene,
  where: { readonly actor: string; readonly agent?: string },
): Promise<void> {
  await agent.propose(CALL);
  const held = await only(world, runId);
  await answer(world, held, APPROVED);
  const other = await world.agent({ runId, ...where });
  await other.propose(CALL);
  expectRan(other, []);
  const { usedAt } = (await world.approvals(runId)).find(({ approvalId }) => approvalId === held.approvalId) ?? held;
  expectEqual("the use of the approval", usedAt, undefined);
  await agent.resume(ASKING);
  expectRan(agent, [CALL]);
}

/** The agent's run in a process that knows nothing of the held call. */
async function elsewhere({ world, runId, actor, agent }: Scene): Promise<AttackedAgent> {
  await agent.kill();
  return world.agent({ runId, actor });
}

async function only(world: AttackWorld, runId: string): Promise<Approval> {
  const approvals = await world.approvals(runId);
  const [approval] = approvals;
  if (approval === undefined || approvals.length > 1) {
    throw new ExpectationError(`the approvals of the run \`${runId}\``, approvals, ["one"]);
  }
  return approval;
}

async function answer(world: AttackWorld, { approvalId }: Approval, given: ApprovalAnswer): Promise<void> {
  expectEqual("the answer's status", await world.answer(approvalId, given), 200);
}

function expectRan(agent: AttackedAgent, args: readonly JsonObject[]): void {
  expectEqual("what the tool was run with", agent.executed(), args);
}

function expectNothingOf(agent: AttackedAgent, args: JsonObject): void {
  const ran = agent.executed().filter((one) => one["amount"] === args["amount"]);
  expectEqual("what the tool was run with of the forbidden kind", ran, []);
}
