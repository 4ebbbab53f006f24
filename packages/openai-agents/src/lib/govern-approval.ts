import { getCurrentRun } from "@handlebar/core";
import type { FunctionTool } from "@openai/agents";
import { ledgerOf } from "./call-ledger.ts";
import type { Framework } from "./framework.ts";

type Approval = FunctionTool["needsApproval"];
const APPROVAL = Symbol.for("handlebar.openai-agents.approval.v1");

/**
 * Lets a held call pause the agent in the framework's own way. The tool's `needsApproval` stays what it was for every other
 * call: a policy that depends on the call changes what the framework does with arguments, so it stands in only where held and
 * free calls of one tool are mixed.
 */
export function governApproval(tool: { readonly name: string; needsApproval: Approval }, framework: Framework): void {
  const getter = Object.getOwnPropertyDescriptor(tool, "needsApproval")?.get;
  if (getter !== undefined && APPROVAL in getter) return;
  let own = tool.needsApproval;
  const get = () => {
    const run = getCurrentRun();
    if (run === undefined) return own;
    const ledger = ledgerOf(run);
    if (!ledger.isHeld(tool.name)) return own;
    if (ledger.isEveryHeld(tool.name)) return always(framework);
    const mixed: Approval = async (context, input, callId) =>
      ledger.isHeld(tool.name, callId) ? true : own(context, input, callId);
    return mixed;
  };
  Object.defineProperty(get, APPROVAL, { value: () => own });
  Object.defineProperty(tool, "needsApproval", {
    get,
    set: (value: Approval) => {
      own = value;
    },
    enumerable: true,
    configurable: true,
  });
}

/** What the tool itself says about approval, beside Handlebar. */
export function ownApproval(tool: { readonly needsApproval: Approval }): Approval {
  const getter = Object.getOwnPropertyDescriptor(tool, "needsApproval")?.get;
  // Only `governApproval` sets the registered symbol.
  const own = (getter as { readonly [APPROVAL]?: () => Approval } | undefined)?.[APPROVAL];
  return own === undefined ? tool.needsApproval : own();
}

const fixed = new WeakMap<object, Approval>();

/** An approval policy that the framework knows to be fixed, whatever the arguments. */
function always(framework: Framework): Approval {
  const known = fixed.get(framework.tool);
  if (known !== undefined) return known;
  const { needsApproval } = framework.tool({
    name: "always",
    description: "",
    parameters: { type: "object", properties: {}, required: [], additionalProperties: false },
    needsApproval: true,
    execute: () => "",
  });
  // It looks at nothing that it is given.
  const approval = needsApproval as unknown as Approval;
  fixed.set(framework.tool, approval);
  return approval;
}
