import { type ToolDecision, toolMarks } from "@handlebar/core";
import { type AnyRun, isPending, PolicyDenied } from "@handlebar/core/adapter";
import { eitherSignal } from "./abort.ts";
import { isGoverned, markGoverned } from "./governed-mark.ts";
import { inRun } from "./in-run.ts";
import { bookOf, type ProposedCall } from "./run-book.ts";
import { isObject, type SdkTool, type SdkToolOptions, type SdkTools } from "./sdk-shapes.ts";
import { copyTool } from "./tool-copy.ts";

/** How held calls of tools with code are handled: see `GovernOptions.approvals`. */
export type ApprovalsMode = "block" | "native";

export interface ToolSettings {
  readonly run: AnyRun;
  readonly tags: Readonly<Record<string, readonly string[]>>;
  readonly approvals: ApprovalsMode;
}

/** The same tools by the same names, each governed; those without code are left to the model's wrapper. */
export function wrapTools(tools: SdkTools, settings: ToolSettings): SdkTools {
  const wrapped: Record<string, SdkTool> = { ...tools };
  for (const [name, tool] of Object.entries(tools)) wrapped[name] = wrapOne(tool, name, settings);
  return wrapped;
}

/** The names of tools that run elsewhere, such as in the browser: only the model's wrapper can stop a call of theirs. */
export function clientToolsOf(tools: SdkTools | undefined): ReadonlySet<string> {
  let names: Set<string> | undefined;
  for (const [name, tool] of Object.entries(tools ?? {})) {
    if (!isClientTool(tool)) continue;
    names ??= new Set();
    names.add(name);
  }
  return names ?? NONE;
}

const NONE: ReadonlySet<string> = new Set();

function isClientTool(tool: unknown): boolean {
  return isObject(tool) && typeof tool["execute"] !== "function" && !String(tool["type"]).startsWith("provider");
}

/** Tags of a tool: those given here, those it was marked with, and what an MCP server says of it. */
export function tagsOf(name: string, tool: unknown, given: ToolSettings["tags"]): readonly string[] {
  const own = Object.hasOwn(given, name) ? (given[name] ?? []) : [];
  const marks = toolMarks(tool);
  if (marks === undefined && (!isObject(tool) || tool["metadata"] === undefined)) return own;
  const classification = marks?.classification === undefined ? [] : [`classification:${marks.classification}`];
  return [...own, ...(marks?.tags ?? []), ...classification, ...hintTags(tool)];
}

const HINTS = { readOnlyHint: "read-only", destructiveHint: "destructive", openWorldHint: "external" } as const;

function hintTags(tool: unknown): readonly string[] {
  const metadata = isObject(tool) && isObject(tool["metadata"]) ? tool["metadata"] : undefined;
  const annotations = metadata?.["annotations"];
  if (!isObject(annotations)) return [];
  return Object.entries(HINTS).flatMap(([hint, tag]) => (annotations[hint] === true ? [tag] : []));
}

function wrapOne(tool: SdkTool, name: string, settings: ToolSettings): SdkTool {
  const { execute } = tool;
  if (typeof execute !== "function" || isGoverned(execute)) return tool;
  bookOf(settings.run).noteGoverned(name);
  const governed = new GovernedTool(tool, name, { settings, execute });
  const run = markGoverned(governed.execute());
  if (settings.approvals !== "native") return copyTool(tool, { execute: run });
  return copyTool(tool, {
    execute: run,
    needsApproval: (input: unknown, options: SdkToolOptions) => governed.needsApproval(input, options),
  });
}

type Execute = NonNullable<SdkTool["execute"]>;

class GovernedTool {
  readonly #tool: SdkTool;
  readonly #execute: Execute;
  readonly #name: string;
  readonly #run: AnyRun;
  readonly #tags: ToolSettings["tags"];

  constructor(
    tool: SdkTool,
    name: string,
    { settings, execute }: { readonly settings: ToolSettings; readonly execute: Execute },
  ) {
    this.#tool = tool;
    this.#execute = execute;
    this.#name = name;
    this.#run = settings.run;
    this.#tags = settings.tags;
  }

  /** The SDK asks synchronously whether what `execute` gives can be iterated, so generators stay generators. */
  execute(): Execute {
    const isGenerator = Object.prototype.toString.call(this.#execute) === "[object AsyncGeneratorFunction]";
    return isGenerator
      ? (input, options) => this.#iterate(input, options)
      : (input, options) => this.#callOnce(input, options);
  }

  async needsApproval(input: unknown, options: SdkToolOptions): Promise<boolean> {
    const { needsApproval } = this.#tool;
    const own = typeof needsApproval === "function" ? needsApproval.call(this.#tool, input, options) : needsApproval;
    if ((await own) === true) return true;
    // Asked again when the SDK goes on: what was held must stay held, or the SDK takes the answer for a forged one.
    if (isAnswered(options)) return true;
    const decision = await bookOf(this.#run).foresee(this.#proposed(input, options), (one) => !isPending(one));
    if (!isPending(decision)) return false;
    bookOf(this.#run).isWaiting = true;
    return true;
  }

  async #callOnce(input: unknown, options: SdkToolOptions): Promise<unknown> {
    const before = await this.#start(input, options);
    let result: unknown;
    try {
      result = await inRun(this.#run, () => this.#invoke(before, options));
      if (isIterable(result)) result = await lastOf(result);
    } catch (error) {
      await this.#run.afterTool(before, { error });
      throw error;
    }
    return this.#finish(before, result);
  }

  async *#iterate(input: unknown, options: SdkToolOptions): AsyncGenerator<unknown, void, undefined> {
    const before = await this.#start(input, options);
    // What a rule may still withhold must not go out early.
    const holdsBack = this.#run.canChange("tool.after");
    let last: unknown;
    let end: "left" | "done" | { readonly error: unknown } = "left";
    try {
      const given = inRun(this.#run, () => this.#invoke(before, options));
      if (isIterable(given)) {
        for await (const value of given) {
          last = value;
          if (!holdsBack) yield value;
        }
      }
      end = "done";
    } catch (error) {
      end = { error };
      throw error;
    } finally {
      if (end === "left") await this.#run.afterTool(before, { error: new Error("the result was not read to its end") });
      else if (end !== "done") await this.#run.afterTool(before, end);
    }
    const result = await this.#finish(before, last);
    // The SDK takes the last value for the result.
    if (holdsBack || !Object.is(result, last)) yield result;
  }

  async #start(input: unknown, options: SdkToolOptions): Promise<ToolDecision> {
    const before = await bookOf(this.#run).decide(this.#proposed(input, options));
    const stopped = before.verdict === "BLOCK" ? before : this.#run.notStarted(before);
    if (stopped !== undefined) throw new PolicyDenied(stopped);
    return before;
  }

  #invoke(before: ToolDecision, options: SdkToolOptions): unknown {
    const abortSignal = eitherSignal(options.abortSignal, this.#run.signal);
    return this.#execute.call(this.#tool, before.args, { ...options, abortSignal });
  }

  async #finish(before: ToolDecision, result: unknown): Promise<unknown> {
    const after = await this.#run.afterTool(before, { result });
    if (after.verdict === "BLOCK") throw new PolicyDenied(after);
    return after.result;
  }

  #proposed(args: unknown, { toolCallId }: SdkToolOptions): ProposedCall {
    const name = this.#name;
    return { name, args, callId: toolCallId, tags: tagsOf(name, this.#tool, this.#tags), kind: kindOf(this.#tool) };
  }
}

/** Tools of an MCP server say which client they came through. */
function kindOf({ metadata }: SdkTool): string | undefined {
  return isObject(metadata) && typeof metadata["clientName"] === "string" ? "mcp" : undefined;
}

/** Whether the last message answers an approval request of this call. */
function isAnswered({ messages, toolCallId }: SdkToolOptions): boolean {
  const last = messages?.at(-1);
  if (!isObject(last) || last["role"] !== "tool" || !Array.isArray(last["content"])) return false;
  const answered = new Set(
    last["content"].flatMap((part: unknown) =>
      isObject(part) && part["type"] === "tool-approval-response" ? [part["approvalId"]] : [],
    ),
  );
  if (answered.size === 0) return false;
  return (messages ?? []).some(
    (message) =>
      isObject(message) &&
      Array.isArray(message["content"]) &&
      message["content"].some(
        (part: unknown) =>
          isObject(part) &&
          part["type"] === "tool-approval-request" &&
          part["toolCallId"] === toolCallId &&
          answered.has(part["approvalId"]),
      ),
  );
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return isObject(value) && Symbol.asyncIterator in value;
}

async function lastOf(values: AsyncIterable<unknown>): Promise<unknown> {
  let last: unknown;
  for await (const value of values) last = value;
  return last;
}
