import { Handlebar, type HandlebarClient, type Run } from "@handlebar/core";
import { approvalListSchema, lockdownAnswerSchema, policiesWrittenSchema, runAnswerSchema } from "@handlebar/protocol";
import { ApiClient } from "../api-client.ts";
import type { CommandContext } from "../command.ts";
import { nowMs, pause, timeoutSignal } from "../host-clock.ts";
import { paint } from "../screen.ts";
import { DEMO_AGENT, demoPolicies } from "./demo-policies.ts";
import { type DemoCall, PROMPT, SCRIPT } from "./demo-script.ts";
import { type DemoTool, type DemoWorld, demoTools } from "./demo-tools.ts";

export interface DemoOptions {
  /** Of the control plane. */
  readonly origin: string;
  /** May everything: stands for the people around the agent. */
  readonly operatorKey: string;
  /** The agent's own. */
  readonly agentKey: string;
  readonly context: CommandContext;
}

const ANSWER_TIMEOUT_MS = 20_000;
const POLL_MS = 100;

/** Puts the demo's policies in force and runs its agent against the server. @returns whether everything went as it should. */
export async function runDemo({ origin, operatorKey, agentKey, context }: DemoOptions): Promise<boolean> {
  const people = new ApiClient(origin, operatorKey);
  const story = new Story(people, context);
  const pushed = await people.request("PUT", "/v1/policies", {
    body: { policies: demoPolicies(), comment: "handlebar serve --demo" },
    schema: policiesWrittenSchema,
  });
  const ids = pushed.changes.map(({ policyId }) => policyId);
  context.out(`policies in force: ${ids.join(", ")} (revision ${pushed.revision})\n`);
  const world: DemoWorld = { refunds: [], mails: [], deleted: [] };
  const tools = demoTools(world);
  const hb = Handlebar.init({
    agent: { slug: DEMO_AGENT, name: "Support" },
    tools: tools.map(({ name, tags }) => ({ name, tags: [...tags] })),
    apiKey: agentKey,
    endpoint: origin,
    approvalWaitMs: ANSWER_TIMEOUT_MS,
    logger: { warn: (text) => context.err(`${text}\n`), error: (text) => context.err(`${text}\n`) },
  });
  try {
    await hb.ready();
    await story.play(hb, tools);
    await story.lockDown(hb);
  } finally {
    await hb.shutdown();
  }
  const isRight =
    world.refunds.join() === "900" && world.mails.join() === "ana@example.com" && world.deleted.length === 0;
  story.check(isRight, "the tools did something that they should not");
  await story.showAudit();
  return story.isRight;
}

/** The demo as it goes on, and whether it goes as it should. */
class Story {
  readonly #people: ApiClient;
  readonly #context: CommandContext;
  #runId = "";
  #isRight = true;

  constructor(people: ApiClient, context: CommandContext) {
    this.#people = people;
    this.#context = context;
  }

  get isRight(): boolean {
    return this.#isRight;
  }

  check(holds: boolean, problem: string): void {
    if (holds) return;
    this.#isRight = false;
    this.#context.out(paint(this.#context, "red", `  ! ${problem}\n`));
  }

  async play(hb: HandlebarClient, tools: readonly DemoTool[]): Promise<void> {
    const run = hb.startRun({ actor: { externalId: "ana", name: "Ana Ruiz" }, sessionId: "demo" });
    this.#runId = run.runId;
    await run.beforeLlm({ messages: [{ role: "user", content: PROMPT }] });
    for (const call of SCRIPT) {
      const approved = call.cause === "HITL_APPROVED" ? this.#approve(run.runId) : Promise.resolve();
      const tool = tools.find(({ name }) => name === call.tool);
      if (tool !== undefined) await this.#call(run, tool, call);
      await approved;
    }
    await run.end();
  }

  /** Everything of this agent stops, and goes on once a person says so. */
  async lockDown(hb: HandlebarClient): Promise<void> {
    const run = hb.startRun({ sessionId: "demo" });
    const stopped = fired(run.signal);
    const body = { scope: { kind: "agent", slug: DEMO_AGENT }, reason: "the demo shows its stop" };
    const { lockdown } = await this.#people.request("POST", "/v1/lockdowns", { body, schema: lockdownAnswerSchema });
    await Promise.race([stopped, fired(timeoutSignal(ANSWER_TIMEOUT_MS))]);
    const { cause } = await run.beforeTool({ name: "read_ticket", args: { id: 1 } });
    this.#say("a lockdown reaches the running agent", cause.kind, cause.kind === "LOCKDOWN");
    await this.#people.request("DELETE", `/v1/lockdowns/${encodeURIComponent(lockdown.lockdownId)}`);
    await run.end();
  }

  async showAudit(): Promise<void> {
    const path = `/v1/runs/${encodeURIComponent(this.#runId)}`;
    const { run, gaps } = await this.#people.request("GET", path, { schema: runAnswerSchema });
    this.check(gaps.length === 0, "events of the run are missing");
    this.check(run.blockCount > 0 && run.endedAt !== undefined, "the run's record is not whole");
    this.#context.out(`
recorded: ${run.eventCount} events without a gap, ${run.decisionCount} decisions, ${run.blockCount} of them blocks
  handlebar runs ${run.runId}
  handlebar policies list
`);
  }

  async #call(run: Run, tool: DemoTool, call: DemoCall): Promise<void> {
    // The script's arguments are those of its tools.
    const outcome = await run.tool({ ...tool, args: call.args as never });
    const { cause } = outcome.decision;
    const isRight = outcome.status === call.status && cause.kind === call.cause;
    this.#say(call.title, `${call.tool}: ${outcome.status}, ${cause.kind}`, isRight);
  }

  #say(title: string, what: string, isRight: boolean): void {
    this.#context.out(
      `  ${paint(this.#context, isRight ? "green" : "red", isRight ? "ok" : "!!")} ${title} (${what})\n`,
    );
    if (!isRight) this.#isRight = false;
  }

  /** Ada, who is on call, approves the one call that waits. */
  async #approve(runId: string): Promise<void> {
    for (const endMs = nowMs() + ANSWER_TIMEOUT_MS; nowMs() < endMs; await pause(POLL_MS)) {
      const query = { status: "pending", run: runId };
      const { approvals } = await this.#people.request("GET", "/v1/approvals", { query, schema: approvalListSchema });
      const [approval] = approvals;
      if (approval === undefined) continue;
      const path = `/v1/approvals/${encodeURIComponent(approval.approvalId)}/resolve`;
      await this.#people.request("POST", path, { body: { status: "approved", by: "ada" } });
      return;
    }
    this.check(false, "no approval was asked for");
  }
}

function fired(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
