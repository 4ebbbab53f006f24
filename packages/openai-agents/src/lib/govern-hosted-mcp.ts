import { getCurrentRun } from "@handlebar/core";
import { isPending } from "@handlebar/core/adapter";
import type { HostedMCPTool, RunContext, RunToolApprovalItem } from "@openai/agents";
import { ledgerOf } from "./call-ledger.ts";
import { askedHostedMcp } from "./decide-calls.ts";
import { decidedCall, startCall } from "./tool-call.ts";

type OnApproval = (
  context: RunContext,
  item: RunToolApprovalItem,
) => Promise<{ readonly approve: boolean; readonly reason?: string | undefined }>;

const GOVERNED = Symbol.for("handlebar.openai-agents.hosted-mcp.v1");

/**
 * A hosted MCP server that asks before it runs a tool is answered by policy first: a denial is final, and what policy allows goes
 * on to the program's own `onApproval`, or to a person where there is none. A server that does not ask cannot be governed.
 */
export function governHostedMcp(tool: HostedMCPTool): void {
  const data: { on_approval?: OnApproval | undefined; require_approval?: unknown } = tool.providerData;
  if (data.require_approval === "never") return;
  const getter = Object.getOwnPropertyDescriptor(data, "on_approval")?.get;
  if (getter !== undefined && GOVERNED in getter) return;
  let own = data.on_approval;
  const get = () => (hasDenied() ? answering(own) : own === undefined ? undefined : answering(own));
  Object.defineProperty(get, GOVERNED, { value: true });
  Object.defineProperty(data, "on_approval", {
    get,
    set: (value: OnApproval | undefined) => {
      own = value;
    },
    enumerable: true,
    configurable: true,
  });
}

function hasDenied(): boolean {
  const run = getCurrentRun();
  if (run === undefined) return false;
  return ledgerOf(run)
    .open()
    .some(({ kind, decision }) => kind === "mcp" && decision.verdict === "BLOCK" && !isPending(decision));
}

function answering(own: OnApproval | undefined): OnApproval {
  return async (context, item) => {
    const run = getCurrentRun();
    const asked = askedHostedMcp(item.rawItem);
    if (run === undefined || asked === undefined) return own?.(context, item) ?? { approve: false };
    const ledger = ledgerOf(run);
    const call = await decidedCall(run, ledger, asked);
    const stopped = startCall(run, call);
    if (stopped !== undefined) return { approve: false, reason: stopped.message };
    if (own === undefined) {
      ledger.settle(call);
      return { approve: false, reason: "this call was asked for beside a denied one; ask for it again" };
    }
    const answer = await own(context, item);
    if (!answer.approve) ledger.settle(call);
    return answer;
  };
}
