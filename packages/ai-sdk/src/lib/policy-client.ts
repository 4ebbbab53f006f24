import { getCurrentRun } from "@handlebar/core";
import { type AnyRun, HandlebarError, isPending } from "@handlebar/core/adapter";
import { bookOf } from "./run-book.ts";
import { isObject } from "./sdk-shapes.ts";
import { tagsOf } from "./tool-wrapper.ts";

/** The interface through which `@ai-sdk/policy-opa` asks a policy engine; see its `PolicyClient`. */
export interface PolicyClient {
  evaluate<TInput = unknown, TResult = unknown>(path: string, input: TInput): Promise<TResult>;
}

/** What is answered: the form that `@ai-sdk/policy-opa` reads. */
export interface PolicyAnswer {
  readonly decision: "allow" | "deny" | "requires-approval";
  readonly reason?: string;
}

export interface PolicyClientOptions {
  /** The run that asks. Default: the current one. */
  readonly run?: AnyRun | undefined;
  readonly tags?: Readonly<Record<string, readonly string[]>> | undefined;
}

/**
 * A policy engine for the SDK's own tool approvals: `toolApproval: opaPolicy({ client: policyClient(), path: "handlebar" })`. Each call
 * is decided as `run.beforeTool` decides it; where the tools are governed too, the decision is the one that the tool then runs with.
 * Approvals alone do not reach results, prompts or answers: govern tools and model as well. A held call asks for the SDK's approval
 * only where its tool is governed, and so asks again whoever holds approvals; elsewhere it is denied, for the SDK runs what its
 * caller's messages say was approved.
 *
 * `evaluate` rejects with HandlebarError `HB_CONFIG_INVALID` outside a run and for input that names no tool, which the caller takes
 * for a denial.
 */
export function policyClient(options: PolicyClientOptions = {}): PolicyClient {
  return {
    evaluate: async <TInput, TResult>(_path: string, input: TInput): Promise<TResult> => {
      const answer = await evaluate(input, options);
      // The interface leaves the answer's type to its caller, who reads what `PolicyAnswer` says.
      return answer as TResult;
    },
  };
}

async function evaluate(input: unknown, options: PolicyClientOptions): Promise<PolicyAnswer> {
  const run: AnyRun | undefined = options.run ?? getCurrentRun();
  const tool = isObject(input) ? input["tool"] : undefined;
  const name = isObject(tool) ? tool["name"] : undefined;
  if (run === undefined) {
    throw new HandlebarError("HB_CONFIG_INVALID", "no run is current; call the SDK through `governAI`, or pass `run`", {
      field: "run",
    });
  }
  if (!isObject(input) || typeof name !== "string") {
    throw new HandlebarError("HB_CONFIG_INVALID", "`input.tool.name` must be a text; keep the default `toInput`", {
      field: "tool.name",
    });
  }
  const call = {
    name,
    args: input["args"],
    callId: undefined,
    tags: tagsOf(name, undefined, options.tags ?? {}),
    kind: undefined,
  };
  // What is denied here is not executed, so nothing would ever use the decision up.
  const book = bookOf(run);
  const decision = await book.foresee(call, ({ verdict }) => verdict === "ALLOW");
  if (decision.verdict === "ALLOW") return { decision: "allow" };
  const { message: reason } = decision;
  if (!isPending(decision) || !book.isGoverned(name)) return { decision: "deny", reason };
  book.isWaiting = true;
  return { decision: "requires-approval", reason };
}
