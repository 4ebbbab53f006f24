import { parseInput } from "./answer-view.ts";
import { isCall } from "./closing-answer.ts";
import type { ModelSettings } from "./model-wrapper.ts";
import { bookOf } from "./run-book.ts";
import type { SdkPart } from "./sdk-shapes.ts";
import { tagsOf } from "./tool-wrapper.ts";

/**
 * Takes out calls that no code of ours will stop: of tools that run elsewhere, such as in the browser, those that policy denies. What
 * a provider ran itself is over when it is seen: it is recorded, and its result withheld where policy says so. Parts keep their
 * places; `undefined` stands for one that may not go on.
 */
export async function gateCalls(
  content: readonly SdkPart[],
  settings: ModelSettings,
): Promise<readonly (SdkPart | undefined)[]> {
  if (!content.some((part) => isElsewhere(part, settings))) return content;
  const gated: (SdkPart | undefined)[] = [];
  for (const part of content) gated.push(isElsewhere(part, settings) ? await gate(part, settings, content) : part);
  return gated;
}

function isElsewhere(part: SdkPart, { clientTools }: ModelSettings): boolean {
  if (part.type === "tool-result") return part.providerExecuted !== false;
  if (part.type !== "tool-call") return false;
  return part.providerExecuted === true || clientTools.has(part.toolName ?? "");
}

async function gate(part: SdkPart, settings: ModelSettings, content: readonly SdkPart[]): Promise<SdkPart | undefined> {
  if (isCall(part)) return gateClientCall(part, settings);
  return part.type === "tool-call"
    ? gateProviderCall(part, settings, content)
    : gateProviderResult(part, settings, content);
}

async function gateClientCall(part: SdkPart, settings: ModelSettings): Promise<SdkPart> {
  const name = part.toolName ?? "";
  const decision = await bookOf(settings.run).decide({
    name,
    args: parseInput(part.input),
    callId: part.toolCallId,
    tags: tagsOf(name, settings.tools[name], settings.tags),
    kind: undefined,
  });
  if (decision.verdict === "BLOCK") return { type: "text", text: `[${name} was not run: ${decision.message}]` };
  const args = parseInput(part.input);
  return decision.args === args ? part : { ...part, input: JSON.stringify(decision.args) };
}

/** Records the call and what it came to, as far as the answer says. */
async function gateProviderCall(
  part: SdkPart,
  settings: ModelSettings,
  content: readonly SdkPart[],
): Promise<SdkPart | undefined> {
  const verdict = await auditProviderCall(part, settings, content);
  return verdict.isDenied ? { type: "text", text: `[${part.toolName ?? ""}: ${verdict.message}]` } : part;
}

async function gateProviderResult(
  part: SdkPart,
  settings: ModelSettings,
  content: readonly SdkPart[],
): Promise<SdkPart | undefined> {
  const call = content.find((one) => one.type === "tool-call" && one.toolCallId === part.toolCallId);
  if (call === undefined) return part;
  const verdict = await auditProviderCall(call, settings, content);
  if (verdict.isDenied) return undefined;
  return Object.is(verdict.result, part.result) ? part : { ...part, result: verdict.result };
}

interface ProviderVerdict {
  readonly isDenied: boolean;
  readonly message: string;
  readonly result: unknown;
}

/** One verdict for a call and its result, whichever of both parts asks first. */
const verdicts = new WeakMap<object, Promise<ProviderVerdict>>();

function auditProviderCall(
  call: SdkPart,
  settings: ModelSettings,
  content: readonly SdkPart[],
): Promise<ProviderVerdict> {
  const known = verdicts.get(call);
  if (known !== undefined) return known;
  const verdict = decideProviderCall(call, settings, content);
  verdicts.set(call, verdict);
  return verdict;
}

async function decideProviderCall(
  call: SdkPart,
  { run, tags, tools }: ModelSettings,
  content: readonly SdkPart[],
): Promise<ProviderVerdict> {
  const name = call.toolName ?? "";
  const before = await run.beforeTool({
    name,
    args: parseInput(call.input),
    callId: call.toolCallId,
    tags: tagsOf(name, tools[name], tags),
    kind: "provider",
  });
  const answer = content.find((one) => one.type === "tool-result" && one.toolCallId === call.toolCallId);
  if (before.verdict === "BLOCK") return { isDenied: true, message: before.message, result: undefined };
  const failed = answer?.isError === true;
  const after = await run.afterTool(before, failed ? { error: answer.result } : { result: answer?.result });
  const isDenied = after.verdict === "BLOCK";
  return { isDenied, message: after.message, result: failed ? answer.result : after.result };
}
