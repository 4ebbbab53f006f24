import type { AnyRun } from "@handlebar/core/adapter";
import { resolveModel, wrapModel } from "./model-wrapper.ts";
import { isObject, type SdkTools } from "./sdk-shapes.ts";
import { type ApprovalsMode, clientToolsOf, wrapTools } from "./tool-wrapper.ts";

export interface GovernToolsOptions<TTools> {
  /** Tags by tool name, added to those that `wrapTool` put on a tool and to what an MCP server says of its tools. */
  readonly tags?: { readonly [K in keyof TTools]?: readonly string[] } | undefined;
  /**
   * What a call does that policy holds for a person. `block` (default): it is denied at once, and the model told that it waits.
   * `native`: the SDK asks for an approval in its own way; what then comes back only wakes the call up, and the answer is taken from
   * whoever holds approvals, never from the messages.
   */
  readonly approvals?: ApprovalsMode | undefined;
}

export interface GovernModelOptions {
  /** The tools that the model may call, for those among them that run elsewhere, such as in the browser. */
  readonly tools?: object | undefined;
  readonly tags?: Readonly<Record<string, readonly string[] | undefined>> | undefined;
  readonly approvals?: ApprovalsMode | undefined;
}

/**
 * The same tools, each deciding with the run's policies before it runs and after. A denied call throws `PolicyDenied` where the tool
 * would run: the SDK makes a `tool-error` of it, tells the model, and goes on. Tools without `execute` are left to `governModel`.
 */
export function governTools<TTools extends object>(
  run: AnyRun,
  tools: TTools,
  options: GovernToolsOptions<TTools> = {},
): TTools {
  const settings = { run, tags: tagMap(options.tags), approvals: options.approvals ?? "block" };
  // The same names with the same tools, but for what their `execute` does before and after.
  return wrapTools(asTools(tools), settings) as TTools;
}

/**
 * The same model, whose every request and answer goes through the run's policies: denied requests are not sent, prompts and answers
 * are redacted where policy says so, tokens are counted before the calls that they led to are decided.
 * @throws HandlebarError `HB_CONFIG_INVALID` for the id of a model where the SDK's default provider is not set.
 */
export function governModel<TModel>(run: AnyRun, model: TModel, options: GovernModelOptions = {}): TModel {
  const tools = asTools(options.tools ?? {});
  const governed = wrapModel(resolveModel(model, undefined), {
    run,
    tools,
    clientTools: clientToolsOf(tools),
    tags: tagMap(options.tags),
    stampsRunId: options.approvals === "native",
  });
  // The SDK takes a model object wherever it takes a model's id.
  return governed as TModel;
}

/**
 * Both at once, to be spread into a call: `generateText({ ...govern(run, { model, tools }), prompt })`. Starting and ending the run
 * is left to the caller; `governAI` does that too.
 */
export function govern<const TParts extends { readonly model: unknown; readonly tools?: object | undefined }>(
  run: AnyRun,
  parts: TParts,
  options: GovernToolsOptions<NonNullable<TParts["tools"]>> = {},
): TParts {
  const { tools } = parts;
  const model = governModel(run, parts.model, { ...options, tools });
  return { ...parts, model, ...(tools === undefined ? {} : { tools: governTools(run, tools, options) }) };
}

export function asTools(tools: object): SdkTools {
  // What is not an object is no tool, and is left as it is by whoever looks at it.
  return isObject(tools) ? (tools as SdkTools) : {};
}

export function tagMap(
  tags: Readonly<Record<string, readonly string[] | undefined>> | undefined,
): Readonly<Record<string, readonly string[]>> {
  const given = Object.entries(tags ?? {});
  return Object.fromEntries(given.flatMap(([name, list]) => (list === undefined ? [] : [[name, list]])));
}
