import type { AuditEvent, JsonValue, RunStatus } from "@handlebar/protocol";
import { ExpectationError, expectEqual } from "../contract-case.ts";
import type { AgentOutcome, CallerResult, CodeTool } from "./adapter-subject.ts";
import type { ContractWorld } from "./contract-world.ts";

/** A tool's executions, in order. */
export interface Recorded {
  readonly tool: string;
  readonly args: Readonly<Record<string, JsonValue>>;
}

/** Tools that note each execution and give what they are told to. */
export class ToolBox {
  readonly executed: Recorded[] = [];

  /** A tool that returns `result`, or what the function gives. */
  tool(name: string, result: unknown = `${name} is done`, extra: { readonly tags?: readonly string[] } = {}): CodeTool {
    return {
      name,
      tags: extra.tags ?? [],
      execute: (args, options) => {
        this.executed.push({ tool: name, args });
        return typeof result === "function" ? result(args, options) : result;
      },
    };
  }

  get names(): readonly string[] {
    return this.executed.map(({ tool }) => tool);
  }
}

export function expectIncludes(what: string, text: string, part: string): void {
  if (!text.includes(part)) throw new ExpectationError(`${what} includes`, text, part);
}

export function expectExcludes(what: string, text: string, part: string): void {
  if (text.includes(part)) throw new ExpectationError(`${what} does not include \`${part}\``, text, "nothing of it");
}

export function expectTrue(what: string, value: boolean): void {
  if (!value) throw new ExpectationError(what, value, true);
}

/** The agent came to its end and the caller saw no exception. */
export function expectDone(outcome: AgentOutcome): void {
  const error = outcome.error === undefined ? undefined : String(outcome.error);
  expectEqual("the outcome", { status: outcome.status, error }, { status: "done" });
}

/** What the caller was handed of one call. */
export function resultOf(outcome: AgentOutcome, callId: string): CallerResult | undefined {
  return outcome.results.find((one) => one.callId === callId);
}

/** Exactly one run was started and exactly one ended, with this status. */
export function expectRunEnded(world: ContractWorld, status: RunStatus): void {
  expectEqual("runs started", world.eventsOf("run.started").length, 1);
  expectEqual(
    "runs ended",
    world.eventsOf("run.ended").map(({ data }) => data.status),
    [status],
  );
}

/** Invariant 4: sequence numbers without a gap, one decision for each call and one result for each that was let through. */
export function expectComplete(world: ContractWorld): void {
  const byRun = new Map<string, AuditEvent[]>();
  for (const event of world.events) byRun.set(event.runId, [...(byRun.get(event.runId) ?? []), event]);
  for (const [runId, events] of byRun) {
    expectEqual(
      `sequence numbers of ${runId}`,
      events.map(({ seq }) => seq),
      events.map((_, index) => index),
    );
  }
  const allowed = world.eventsOf("tool.decision").filter(({ data }) => data.verdict === "ALLOW");
  expectEqual(
    "calls with a result, beside those that were let through",
    world
      .eventsOf("tool.result")
      .map(({ data }) => data.callId)
      .sort(),
    allowed.map(({ data }) => data.callId).sort(),
  );
  const asked = world.eventsOf("llm.decision").filter(({ data }) => data.verdict === "ALLOW");
  expectEqual(
    "model calls with a result, beside those that were let through",
    world
      .eventsOf("llm.result")
      .map(({ data }) => data.callId)
      .sort(),
    asked.map(({ data }) => data.callId).sort(),
  );
}

/** A promise and what settles it. */
export class Gate {
  readonly opened: Promise<void>;
  open: () => void = () => undefined;

  constructor() {
    this.opened = new Promise((resolve) => {
      this.open = resolve;
    });
  }
}
