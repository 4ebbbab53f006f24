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
  const { clientTools } = settings;
  const gate = new CallGate(content, settings);
  const gated: (SdkPart | undefined)[] = [];
  for (const part of content) gated.push(isElsewhere(part, clientTools) ? await gate.pass(part) : part);
  return gated;
}

/** Whether there is anything for `gateCalls` in an answer. */
export function hasCallsElsewhere(content: readonly SdkPart[], { clientTools }: ModelSettings): boolean {
  return content.some((part) => isElsewhere(part, clientTools));
}

function isElsewhere(part: SdkPart, clientTools: ReadonlySet<string>): boolean {
  if (part.type === "tool-result") return true;
  if (part.type !== "tool-call") return false;
  return part.providerExecuted === true || clientTools.has(part.toolName ?? "");
}

/** What became of a call that a provider ran. */
interface ProviderVerdict {
  readonly isDenied: boolean;
  readonly message: string;
  readonly result: unknown;
}

class CallGate {
  readonly #content: readonly SdkPart[];
  readonly #settings: ModelSettings;
  /** One verdict for a call and its result, whichever of both parts comes first. */
  readonly #verdicts = new Map<SdkPart, ProviderVerdict>();

  constructor(content: readonly SdkPart[], settings: ModelSettings) {
    this.#content = content;
    this.#settings = settings;
  }

  async pass(part: SdkPart): Promise<SdkPart | undefined> {
    if (isCall(part)) return this.#clientCall(part);
    const call = part.type === "tool-call" ? part : this.#find("tool-call", part);
    if (call === undefined) return part;
    const verdict = this.#verdicts.get(call) ?? (await this.#audit(call));
    this.#verdicts.set(call, verdict);
    if (part !== call) {
      if (verdict.isDenied) return undefined;
      return Object.is(verdict.result, part.result) ? part : { ...part, result: verdict.result };
    }
    return verdict.isDenied ? { type: "text", text: `[${part.toolName ?? ""}: ${verdict.message}]` } : part;
  }

  async #clientCall(part: SdkPart): Promise<SdkPart> {
    const name = part.toolName ?? "";
    const args = parseInput(part.input);
    const decision = await bookOf(this.#settings.run).decide({ ...this.#identity(part), args });
    if (decision.verdict === "BLOCK") return { type: "text", text: `[${name} was not run: ${decision.message}]` };
    return decision.args === args ? part : { ...part, input: JSON.stringify(decision.args) };
  }

  async #audit(call: SdkPart): Promise<ProviderVerdict> {
    const { run } = this.#settings;
    const before = await run.beforeTool({ ...this.#identity(call), args: parseInput(call.input), kind: "provider" });
    if (before.verdict === "BLOCK") return { isDenied: true, message: before.message, result: undefined };
    const answer = this.#find("tool-result", call);
    const failed = answer?.isError === true;
    const after = await run.afterTool(before, failed ? { error: answer.result } : { result: answer?.result });
    const isDenied = after.verdict === "BLOCK";
    return { isDenied, message: after.message, result: failed ? answer.result : after.result };
  }

  #identity({ toolName = "", toolCallId }: SdkPart): {
    readonly name: string;
    readonly callId: string | undefined;
    readonly tags: readonly string[];
    readonly kind: undefined;
  } {
    const { tools, tags } = this.#settings;
    const tool = Object.hasOwn(tools, toolName) ? tools[toolName] : undefined;
    return { name: toolName, callId: toolCallId, tags: tagsOf(toolName, tool, tags), kind: undefined };
  }

  #find(type: string, { toolCallId }: SdkPart): SdkPart | undefined {
    return this.#content.find((part) => part.type === type && part.toolCallId === toolCallId);
  }
}
