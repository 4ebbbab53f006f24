import type { ArgFromCondition, Condition, Flow, JsonValue, Origin, Policy } from "@handlebar/protocol";
import { compile } from "../compile.ts";
import { createRunState } from "../create-run-state.ts";
import { decide } from "../decide.ts";
import { factsOf, policyOf, ruleOf } from "../facts.fixture.ts";
import type { CallFacts, Facts } from "../facts.ts";
import { noteCall, notePrompt, noteResult } from "../note.ts";
import type { PolicySet } from "../policy-set.ts";
import type { RunState } from "../run-state.ts";
import { labelsOf } from "./session-labels.ts";

export type Ending = Pick<CallFacts, "result" | "error" | "resultExceeded">;

/** A policy with a flow, and a rule for any tool that its condition decides. */
export function flowPolicy(flow: Flow, when: Condition = { kind: "label", anyOf: ["untrusted"] }): Policy {
  return policyOf([ruleOf({ when })], { flow });
}

export function argFrom(origins: readonly Origin[], change: Partial<ArgFromCondition> = {}): ArgFromCondition {
  return { kind: "argFrom", paths: ["to"], origins, ...change };
}

/** One run under policies, told what happened step by step. */
export class FlowRun {
  state: RunState;
  set: PolicySet;
  #count = 0;

  constructor(policies: readonly Policy[], state: RunState = createRunState()) {
    this.set = compile(policies);
    this.state = state;
  }

  prompt(text: string): this {
    notePrompt(this.set, this.state, text);
    return this;
  }

  /** Lets a call through. */
  begin(tool: CallFacts["tool"] | string, args: JsonValue = {}): CallFacts {
    this.#count += 1;
    const call: CallFacts = { callId: `c_${this.#count}`, tool: toolOf(tool), args };
    noteCall(this.set, this.#facts("tool.before", call), { verdict: "ALLOW" });
    return call;
  }

  end(call: CallFacts, ending: Ending): void {
    noteResult(this.set, this.#facts("tool.after", { ...call, ...ending }));
  }

  /** Lets a call through and gives its result. */
  call(tool: CallFacts["tool"] | string, result: JsonValue, args: JsonValue = {}): this {
    this.end(this.begin(tool, args), { result });
    return this;
  }

  get labels(): readonly string[] {
    return labelsOf(this.state);
  }

  /** What the first rule's condition comes to for a call. */
  ask(args: JsonValue = {}, change: Partial<CallFacts> = {}): string | undefined {
    const call: CallFacts = { callId: "asked", tool: toolOf("pay"), args, ...change };
    return decide(this.set, this.#facts("tool.before", call)).evaluatedRules[0]?.outcome;
  }

  #facts(phase: Facts["phase"], call: CallFacts): Facts {
    return factsOf({ phase, call, run: { state: this.state } });
  }
}

/** Where a value's most trusted origin is, asked by a rule for each; `unknown` when more than one may be. */
export function originOf(run: FlowRun, value: JsonValue): string {
  for (const origin of ["prompt", "trusted", "untrusted", "unseen"] as const) {
    const asked = new FlowRun(
      [{ ...askingFor(origin), ...(run.set.policies[0]?.flow && { flow: run.set.policies[0].flow }) }],
      run.state,
    );
    const outcome = asked.ask({ to: value });
    if (outcome !== "false") return outcome === "true" ? origin : "unknown";
  }
  return "nothing";
}

function askingFor(origin: Origin): Policy {
  return policyOf([ruleOf({ when: argFrom([origin]) })]);
}

function toolOf(tool: CallFacts["tool"] | string): CallFacts["tool"] {
  return typeof tool === "string" ? { name: tool, tags: [] } : tool;
}
