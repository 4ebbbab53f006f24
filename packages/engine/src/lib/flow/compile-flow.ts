import type { FlowSource } from "@handlebar/protocol";
import { CompileContext, type CompileShared, type ConditionOwner } from "../compile-context.ts";
import { type CompiledPolicy, selectsAgent } from "../compiled-rule.ts";
import { compileCondition } from "../conditions/compile-condition.ts";
import type { CompiledCondition, Leaf } from "../conditions/compiled-condition.ts";
import { parsePathOrFail } from "../conditions/path-leaf.ts";
import type { AgentFacts, ToolFacts } from "../facts.ts";
import type { Path } from "../path.ts";
import { compileToolMatcher, type ToolMatcher } from "../tool-matcher.ts";
import { declareLabel } from "./label.ts";

/** A source of one policy, made ready. */
export interface CompiledSource {
  readonly tool: ToolMatcher;
  /** Absent takes the whole result. */
  readonly fields: readonly (Path | "freeText")[] | undefined;
  /** Absent always holds. */
  readonly when: Leaf | undefined;
  readonly add: readonly string[];
  readonly trust: "trusted" | "untrusted" | undefined;
  /** Its condition asks where arguments came from. */
  readonly readsOrigins: boolean;
}

/** The data flow that one policy describes. */
export interface PolicyFlow {
  readonly policy: CompiledPolicy;
  readonly sources: readonly CompiledSource[];
  /** Every label that the policy declares or its sources add: what an unknown tool adds in strict mode. */
  readonly labels: readonly string[];
  readonly isStrict: boolean;
  readonly defaultTrust: "trusted" | "untrusted" | undefined;
  readonly isForSession: boolean;
}

/** The data flow of a policy set. */
export class CompiledFlow {
  readonly #flows: readonly PolicyFlow[];
  /** Some condition asks where values came from: what is seen must be remembered. */
  readonly tracksOrigins: boolean;

  constructor(flows: readonly PolicyFlow[], tracksOrigins: boolean) {
    this.#flows = flows;
    this.tracksOrigins = tracksOrigins;
  }

  get isEmpty(): boolean {
    return this.#flows.length === 0 && !this.tracksOrigins;
  }

  /** The flows of the enabled policies for an agent. Shadow policies count: their labels are the facts of their rules. */
  for(agent: AgentFacts): readonly PolicyFlow[] {
    return this.#flows.filter(({ policy }) => policy.isEnabled && selectsAgent(policy.source.agents, agent));
  }
}

/** Compiles the `flow` of every policy. @throws HandlebarError as `compile` does. */
export function compileFlow(
  policies: readonly CompiledPolicy[],
  shared: CompileShared,
  tracksOrigins: boolean,
): CompiledFlow {
  const flows = policies.flatMap((policy): PolicyFlow[] => {
    const { flow } = policy.source;
    if (flow === undefined) return [];
    const sources = flow.sources.map((source, at) => compileSource(source, policy, { shared, at }));
    return [
      {
        policy,
        sources,
        labels: [...new Set([...(flow.labels ?? []), ...sources.flatMap((source) => source.add)])],
        isStrict: flow.strict === true,
        defaultTrust: flow.defaultTrust,
        isForSession: flow.scope === "session",
      },
    ];
  });
  const isAsked = flows.some(
    ({ policy, sources }) => policy.isEnabled && sources.some((source) => source.readsOrigins),
  );
  return new CompiledFlow(flows, tracksOrigins || isAsked);
}

function compileSource(
  source: FlowSource,
  policy: CompiledPolicy,
  { shared, at }: { readonly shared: CompileShared; readonly at: number },
): CompiledSource {
  const tool = compileToolMatcher(source.tool);
  const owner: ConditionOwner = {
    policyIndex: policy.index,
    policyId: policy.policyId,
    ruleId: `${policy.policyId}#flow.sources[${at}]`,
    phases: ["tool.after"],
    tool,
    exact: false,
    // Trust that depends on where arguments came from could let a later call through.
    tightens: source.trust !== "trusted",
    declaredLabels: policy.source.flow?.labels,
  };
  const context = new CompileContext(shared, owner, `policies[${policy.index}].flow.sources[${at}]`);
  for (const label of source.add ?? []) declareLabel(label, context);
  const when = source.when === undefined ? undefined : compileCondition(source.when, context.at(".when"));
  if (!context.needs.isEmpty) {
    context.fail(
      "HB_POLICY_INVALID",
      "asks a function of the host or a window beyond the run, which no source can; ask about the call, its arguments and its result",
      "when",
    );
  }
  return {
    tool,
    fields: source.fields?.map((field, place) =>
      field === "freeText" ? field : parsePathOrFail(field, context, `fields[${place}]`),
    ),
    when: when?.eval,
    add: source.add ?? [],
    trust: source.trust,
    readsOrigins: tracesOrigins(when),
  };
}

/** Whether a condition asks where a value came from. */
export function tracesOrigins(condition: CompiledCondition | undefined): boolean {
  return condition !== undefined && (condition.kind === "argFrom" || condition.children.some(tracesOrigins));
}

/** In strict mode a tool that nobody described is taken for a source of everything. */
export function isUnknownTool(flow: PolicyFlow, tool: ToolFacts): boolean {
  return flow.isStrict && tool.tags.length === 0 && !flow.sources.some((source) => source.tool.matches(tool));
}
