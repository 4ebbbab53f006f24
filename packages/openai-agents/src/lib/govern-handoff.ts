import { getCurrentRun } from "@handlebar/core";
import type { Handoff } from "@openai/agents";
import { ledgerOf } from "./call-ledger.ts";
import type { AnyAgent } from "./framework.ts";
import { decidedCall, startCall } from "./tool-call.ts";

const GOVERNED = Symbol.for("handlebar.openai-agents.handoff.v1");

/**
 * A handoff that policy may refuse. The framework has no way to refuse one, so a refused handoff hands over to the agent that
 * asked for it, and the model reads the denial as the handoff's result.
 */
export function governHandoff(handoff: Handoff, from: AnyAgent): Handoff {
  if (GOVERNED in handoff.onInvokeHandoff) return handoff;
  const own = handoff.onInvokeHandoff;
  const onInvokeHandoff: typeof own = async (context, args) => {
    const run = getCurrentRun();
    if (run === undefined) return own(context, args);
    const ledger = ledgerOf(run);
    const asked = { callId: undefined, name: handoff.toolName, argsText: args, kind: "handoff" };
    const call = await decidedCall(run, ledger, asked);
    const stopped = startCall(run, call);
    if (stopped !== undefined) {
      if (call.callId !== undefined) ledger.replaceResult(call.callId, stopped.message);
      return from;
    }
    const agent = await own(context, args);
    ledger.settle(call);
    ledger.noteStop([await run.afterTool(call.decision, { result: { assistant: agent.name } })]);
    return agent;
  };
  Object.defineProperty(onInvokeHandoff, GOVERNED, { value: true });
  return handoff.clone({ onInvokeHandoff });
}
