import { getCurrentRun, type ToolResultDecision } from "@handlebar/core";
import type { AnyRun, Decision } from "@handlebar/core/adapter";
import type {
  FunctionTool,
  ToolGuardrailFunctionOutput,
  ToolInputGuardrailDefinition,
  ToolOutputGuardrailData,
  ToolOutputGuardrailDefinition,
} from "@openai/agents";
import { type LedgerCall, ledgerOf } from "./call-ledger.ts";
import type { Framework } from "./framework.ts";
import { governApproval } from "./govern-approval.ts";
import { keepOutputSchema } from "./output-schema.ts";
import { askedFunctionCall, decidedCall, startCall } from "./tool-call.ts";
import { failureOf } from "./tool-failure.ts";

const GUARD = Symbol.for("handlebar.openai-agents.guard.v1");

/** A function tool as the adapter changes it: in place, for the framework keeps what it knows of a tool by the tool's identity. */
export type GovernedTool = Pick<
  FunctionTool,
  "type" | "name" | "needsApproval" | "inputGuardrails" | "outputGuardrails" | "outputSchema" | "errorFunction"
>;

/**
 * Puts a function tool (the program's own, an MCP server's, an agent's) under the run that is current when it is called. Inert
 * without one. Idempotent, also across copies of this package.
 */
export function governFunctionTool(tool: GovernedTool, framework: Framework): void {
  if (!(tool.inputGuardrails ?? []).some(isGuard)) {
    tool.inputGuardrails = [...(tool.inputGuardrails ?? []), inputGuard(tool)];
    tool.outputGuardrails = [
      outputGuard(tool, framework),
      ...(tool.outputGuardrails ?? []).filter((one) => !isGuard(one)),
    ];
  }
  governApproval(tool, framework);
  keepOutputSchema(tool);
}

function isGuard(guard: object): boolean {
  return GUARD in guard;
}

const ALLOW: ToolGuardrailFunctionOutput = { behavior: { type: "allow" } };

function inputGuard(tool: GovernedTool): ToolInputGuardrailDefinition & { readonly [GUARD]: true } {
  return {
    [GUARD]: true,
    type: "tool_input",
    name: "handlebar",
    run: async ({ toolCall }) => {
      const run = getCurrentRun();
      if (run === undefined) return ALLOW;
      const call = await decidedCall(run, ledgerOf(run), askedFunctionCall(toolCall));
      call.isAgent = isAgentTool(tool);
      const stopped = startCall(run, call);
      if (stopped === undefined) return ALLOW;
      return {
        behavior: { type: "rejectContent", message: stopped.message },
        outputInfo: infoOf(toolCall.callId, stopped),
      };
    },
  };
}

function outputGuard(
  tool: GovernedTool,
  framework: Framework,
): ToolOutputGuardrailDefinition & { readonly [GUARD]: true } {
  return {
    [GUARD]: true,
    type: "tool_output",
    name: "handlebar",
    run: async (data) => {
      const run = getCurrentRun();
      if (run === undefined) return ALLOW;
      const call = ledgerOf(run).findRunning(askedFunctionCall(data.toolCall));
      // An agent used as a tool gives an empty text when it paused for an approval: its call goes on later.
      if (call === undefined || (isAgentTool(tool) && data.output === "")) return ALLOW;
      const error = failureOf({ output: data.output, callId: data.toolCall.callId }, framework);
      const after = await finishCall(run, call, { output: data.output, error });
      const outputInfo = infoOf(data.toolCall.callId, after);
      if (after.verdict === "BLOCK") return { behavior: { type: "rejectContent", message: after.message }, outputInfo };
      return after.result === data.output ? ALLOW : replaced(tool, { ...data, output: after.result }, outputInfo);
    },
  };
}

async function finishCall(
  run: AnyRun,
  call: LedgerCall,
  { output, error }: { readonly output: unknown; readonly error: unknown },
): Promise<ToolResultDecision> {
  const ledger = ledgerOf(run);
  ledger.settle(call);
  const after = await run.afterTool(call.decision, { result: output, ...(error === undefined ? {} : { error }) });
  ledger.noteStop([after]);
  if (after.verdict === "BLOCK" && call.callId !== undefined) ledger.noteDenial(call.callId, after.message);
  return after;
}

/** Hands on another output. The framework stops at the first guardrail that replaces one, so the tool's own are asked here. */
async function replaced(
  tool: GovernedTool,
  data: ToolOutputGuardrailData,
  outputInfo: GuardInfo,
): Promise<ToolGuardrailFunctionOutput> {
  for (const guard of (tool.outputGuardrails ?? []).filter((one) => !isGuard(one))) {
    const said = await guard.run(data);
    if (said.behavior !== undefined && said.behavior.type !== "allow") return said;
  }
  // The framework hands on whatever stands here; it only declares text.
  return { behavior: { type: "rejectContent", message: data.output as string }, outputInfo };
}

/** What the framework's list of guardrail results says of a call, for the program to read. */
interface GuardInfo {
  readonly callId: string;
  readonly verdict: Decision["verdict"];
  readonly cause: Decision["cause"];
}

function infoOf(callId: string, { verdict, cause }: Decision): GuardInfo {
  return { callId, verdict, cause };
}

/** An agent used as a tool has a way to listen to its events that no other tool has. */
export function isAgentTool(tool: object): boolean {
  return "on" in tool && typeof tool.on === "function";
}
