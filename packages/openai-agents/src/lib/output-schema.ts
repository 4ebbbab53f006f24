import { getCurrentRun } from "@handlebar/core";
import { ledgerOf } from "./call-ledger.ts";
import type { GovernedTool } from "./govern-function-tool.ts";

const KEPT = Symbol.for("handlebar.openai-agents.output-schema.v1");
/** The framework's own name of the property that holds a tool's validator of its output. */
const VALIDATOR = "openai.agents.functionToolOutputValidator";

type Validator = (output: unknown, context: unknown, details: unknown) => unknown;

/**
 * A tool with an output schema turns a denial into an exception to the caller, since a denial does not fit the schema. Denials,
 * and nothing else, are let past it, so that the model reads them as it does those of any other tool.
 */
export function keepOutputSchema(tool: GovernedTool): void {
  if (tool.outputSchema === undefined || KEPT in tool) return;
  Object.defineProperty(tool, KEPT, { value: true });
  const own = tool.errorFunction;
  tool.errorFunction = (context, error, details) => {
    const text = error instanceof Error ? error.message : undefined;
    if (text !== undefined && isDenial(text, details)) return text;
    if (own == null) throw error;
    return own(context, error, details);
  };
  const key = Object.getOwnPropertySymbols(tool).find(({ description }) => description === VALIDATOR);
  if (key === undefined) return;
  // The symbol is the framework's, and what it stands for is only called.
  const holder = tool as unknown as Record<symbol, Validator>;
  const validate = holder[key];
  if (validate === undefined) return;
  holder[key] = (output, context, details) =>
    typeof output === "string" && isDenial(output, details) ? output : validate(output, context, details);
}

function isDenial(text: string, details: unknown): boolean {
  const run = getCurrentRun();
  const callId = callIdOf(details);
  return run !== undefined && callId !== undefined && ledgerOf(run).denial(callId) === text;
}

function callIdOf(details: unknown): string | undefined {
  if (typeof details !== "object" || details === null || !("toolCall" in details)) return undefined;
  const { toolCall } = details;
  if (typeof toolCall !== "object" || toolCall === null || !("callId" in toolCall)) return undefined;
  return typeof toolCall.callId === "string" ? toolCall.callId : undefined;
}
