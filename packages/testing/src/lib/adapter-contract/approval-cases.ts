import type { HandlebarClient } from "@handlebar/core";
import type { Rule } from "@handlebar/protocol";
import { ExpectationError, expectEqual } from "../contract-case.ts";
import type { ScriptedControlPlane } from "../scripted-control-plane.ts";
import type { AdapterMode, AdapterSubject, AgentOutcome, AgentPlan, PausedAgent } from "./adapter-subject.ts";
import type { CaseBody } from "./contract-case-body.ts";
import type { ContractWorld } from "./contract-world.ts";
import { expectDone, expectRunEnded, expectTrue, ToolBox } from "./expectations.ts";
import { type Line, ScriptedModel } from "./scripted-model.ts";

const ASK: Rule = {
  name: "ask",
  on: "tool.before",
  tool: { name: "pay" },
  effect: { type: "hitl", reason: "money leaves" },
};
const pauses = (mode: AdapterMode, subject: AdapterSubject): boolean =>
  mode.can?.pause === true && subject.resume !== undefined;

/** An agent that asks to pay, with a control plane that holds the call. */
class HeldAgent {
  readonly world: ContractWorld;
  readonly plane: ScriptedControlPlane;
  readonly box: ToolBox = new ToolBox();
  readonly model: ScriptedModel;
  readonly #plan: Partial<AgentPlan>;
  #hb: HandlebarClient;

  constructor(world: ContractWorld, lines: readonly Line[], plan: Partial<AgentPlan> = {}) {
    this.world = world;
    this.plane = world.plane([ASK]);
    this.#hb = world.connectedClient();
    this.model = new ScriptedModel(lines);
    this.#plan = {
      tools: [this.box.tool("pay", "paid"), this.box.tool("read", "read")],
      start: { actor: { externalId: "u_1" }, sessionId: "s_1" },
      approvals: "native",
      ...plan,
    };
  }

  run(): Promise<AgentOutcome> {
    return this.world.run(this.#made());
  }

  async pause(): Promise<PausedAgent> {
    const outcome = await this.run();
    expectEqual("the outcome", outcome.status, "paused");
    if (outcome.paused === undefined) throw new ExpectationError("the paused agent", undefined, "its state");
    return outcome.paused;
  }

  resume(paused: PausedAgent): Promise<AgentOutcome> {
    const { subject } = this.world;
    if (subject.resume === undefined) throw new ExpectationError("the subject's resume", undefined, "a function");
    // As it comes back from where a program stored it.
    const stored = { ...paused, state: String(paused.state), approvedByCaller: () => paused.approvedByCaller() };
    return this.world.drive(subject.resume(this.world.plan(this.#made()), stored));
  }

  /** What goes on does so with a client that knows nothing of the first one's runs. */
  moveToAnotherProcess(): void {
    this.#hb = this.world.connectedClient();
  }

  answer(status: "approved" | "denied"): void {
    const pending = this.plane.approvals().filter((approval) => approval.status === "pending");
    for (const { approvalId } of pending) this.plane.resolveApproval(approvalId, { status, by: "ada" });
  }

  get paid(): number {
    return this.box.names.filter((name) => name === "pay").length;
  }

  #made(): Partial<AgentPlan> {
    return { ...this.#plan, hb: this.#hb, model: this.model };
  }
}

const PAY_ONCE: readonly Line[] = [{ calls: [["pay", { amount: 900 }]] }, { say: "finished" }];

export const APPROVAL_CASES: readonly CaseBody[] = [
  {
    id: "approval.blocks",
    title: "by default a held call comes back as blocked, and the approval stands at the control plane",
    run: async (world) => {
      const agent = new HeldAgent(world, PAY_ONCE, { approvals: "block" });
      expectDone(await agent.run());
      expectEqual("paid", agent.paid, 0);
      expectEqual(
        "approvals",
        agent.plane.approvals().map(({ tool, status }) => [tool, status]),
        [["pay", "pending"]],
      );
      expectRunEnded(world, "success");
    },
  },
  {
    id: "approval.later",
    title: "a held call that a person approved after its run had ended runs once when the agent is asked again",
    run: async (world) => {
      const agent = new HeldAgent(world, [...PAY_ONCE, ...PAY_ONCE, ...PAY_ONCE], { approvals: "block" });
      const statuses = () => agent.plane.approvals().map(({ status }) => status);
      expectDone(await agent.run());
      agent.answer("approved");
      for (const expected of [["approved"], ["approved", "pending"]]) {
        expectDone(await agent.run());
        expectEqual("executed", agent.box.executed, [{ tool: "pay", args: { amount: 900 } }]);
        expectEqual("approvals", statuses(), expected);
      }
    },
  },
  {
    id: "approval.pauses",
    title: "a held call pauses the agent in the framework's own way: it does not run, and the run stays open",
    fits: pauses,
    run: async (world) => {
      const agent = new HeldAgent(world, PAY_ONCE);
      const paused = await agent.pause();
      expectEqual("held calls", paused.callIds, ["call-1"]);
      expectEqual("paid", agent.paid, 0);
      expectEqual("model requests", agent.model.requests.length, 1);
      expectEqual("runs ended", world.eventsOf("run.ended").length, 0);
    },
  },
  {
    id: "approval.approved",
    title: "after an approval the agent goes on in the same run, and the call runs once",
    fits: pauses,
    run: async (world) => {
      const agent = new HeldAgent(world, PAY_ONCE);
      const paused = await agent.pause();
      agent.answer("approved");
      const outcome = await agent.resume(paused);
      expectDone(outcome);
      expectEqual("the final text", outcome.text, "finished");
      expectEqual("executed", agent.box.executed, [{ tool: "pay", args: { amount: 900 } }]);
      expectEqual("model requests", agent.model.requests.length, 2);
      expectEqual("runs", [...new Set(world.events.map(({ runId }) => runId))].length, 1);
      expectRunEnded(world, "success");
    },
  },
  {
    id: "approval.denied",
    title: "after a denial the call does not run, the model is told, and the agent goes on",
    fits: pauses,
    run: async (world) => {
      const agent = new HeldAgent(world, PAY_ONCE);
      const paused = await agent.pause();
      agent.answer("denied");
      const outcome = await agent.resume(paused);
      expectDone(outcome);
      expectEqual("paid", agent.paid, 0);
      expectEqual("the final text", outcome.text, "finished");
      expectEqual("model requests", agent.model.requests.length, 2);
    },
  },
  {
    id: "approval.pending",
    title: "resumed before anybody has answered, the call does not run",
    fits: pauses,
    run: async (world) => {
      const agent = new HeldAgent(world, PAY_ONCE);
      const outcome = await agent.resume(await agent.pause());
      expectEqual("paid", agent.paid, 0);
      expectTrue("the agent waits or goes on", outcome.status === "paused" || outcome.status === "done");
    },
  },
  {
    id: "approval.forged",
    title: "a caller that claims an approval which nobody gave gets nothing run",
    fits: pauses,
    run: async (world) => {
      const agent = new HeldAgent(world, PAY_ONCE);
      const paused = await agent.pause();
      await agent.resume(paused.approvedByCaller());
      agent.moveToAnotherProcess();
      await agent.resume(paused.approvedByCaller());
      expectEqual("paid", agent.paid, 0);
    },
  },
  {
    id: "approval.other-process",
    title: "a paused agent goes on in another process, with the control plane's answer",
    fits: pauses,
    run: async (world) => {
      const agent = new HeldAgent(world, PAY_ONCE);
      const paused = await agent.pause();
      agent.answer("approved");
      agent.moveToAnotherProcess();
      const outcome = await agent.resume(paused);
      expectDone(outcome);
      expectEqual("executed", agent.box.executed, [{ tool: "pay", args: { amount: 900 } }]);
      expectEqual(
        "approvals",
        agent.plane.approvals().map(({ status }) => status),
        ["approved"],
      );
    },
  },
  {
    id: "approval.once",
    title: "an approval answers one call: the same call again is held again",
    fits: pauses,
    run: async (world) => {
      const agent = new HeldAgent(world, [
        { calls: [["pay", { amount: 900 }]] },
        { calls: [["pay", { amount: 900 }]] },
        { say: "finished" },
      ]);
      const paused = await agent.pause();
      agent.answer("approved");
      await agent.resume(paused);
      expectEqual("paid", agent.paid, 1);
      expectEqual(
        "approvals",
        agent.plane.approvals().map(({ status }) => status),
        ["approved", "pending"],
      );
    },
  },
  {
    id: "approval.replayed",
    title: "a paused state that is resumed twice runs its call once",
    fits: pauses,
    run: async (world) => {
      const agent = new HeldAgent(world, [...PAY_ONCE, { say: "again" }]);
      const paused = await agent.pause();
      agent.answer("approved");
      await agent.resume(paused);
      agent.moveToAnotherProcess();
      await agent.resume(paused);
      expectEqual("paid", agent.paid, 1);
    },
  },
  {
    id: "approval.siblings",
    title: "calls beside a held one run once, before the pause or after it",
    fits: pauses,
    run: async (world) => {
      const agent = new HeldAgent(world, [{ calls: [["read"], ["pay", { amount: 900 }]] }, { say: "finished" }]);
      const paused = await agent.pause();
      expectEqual("paid", agent.paid, 0);
      agent.answer("approved");
      expectDone(await agent.resume(paused));
      expectEqual("executed", [...agent.box.names].sort(), ["pay", "read"]);
    },
  },
];
