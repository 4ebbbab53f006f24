import {
  compile,
  createRunState,
  decide,
  type Facts,
  noteCall,
  notePrompt,
  noteResult,
  type PolicySet,
  promptTextOf,
  type RunState,
  sharedAdds,
} from "@handlebar/engine";
import type { CheckBody, CheckFacts, Decision, JsonValue } from "@handlebar/protocol";
import { effectiveTags } from "@handlebar/protocol";
import type { BudgetLedger, LedgerTimes } from "./budget-ledger.ts";
import type { RegisteredAgent, StateHub } from "./state-hub.ts";

interface KnownRun {
  readonly state: RunState;
  readonly startedAtMs: number;
}

/** Decides on the server's side, with the engine, remembering each run. */
export class PlaneCheck {
  readonly #hub: StateHub;
  readonly #ledger: BudgetLedger;
  readonly #times: () => LedgerTimes;
  readonly #runs = new Map<string, KnownRun>();

  constructor(hub: StateHub, ledger: BudgetLedger, times: () => LedgerTimes) {
    this.#hub = hub;
    this.#ledger = ledger;
    this.#times = times;
  }

  decide(body: CheckBody, registered: RegisteredAgent): readonly Decision[] {
    const policies = this.#hub.policies.filter(({ id = "" }) => body.policies?.includes(id) !== false);
    const set = compile(policies);
    const all = Array.isArray(body.facts) ? body.facts : [body.facts];
    return all.map((given) => this.#decideOne(set, given, registered));
  }

  #decideOne(set: PolicySet, given: CheckFacts, registered: RegisteredAgent): Decision {
    const facts = this.#factsOf(given, registered);
    const isAfter = given.phase === "tool.after" || given.phase === "llm.after";
    if (given.phase === "llm.before") notePrompts(set, given, facts.run.state);
    if (isAfter) {
      noteResult(set, facts);
      this.#applyShared(set, facts);
    }
    const decision = decide(set, facts);
    noteCall(set, facts, decision);
    if (!isAfter && decision.verdict === "ALLOW") this.#applyShared(set, facts);
    return decision;
  }

  #applyShared(set: PolicySet, facts: Facts): void {
    for (const add of sharedAdds(set, facts)) {
      // A reservation is what is added until it is settled; here the estimate stays, which never lets too much through.
      if (add.kind === "add" || add.kind === "reserve") this.#ledger.add(add.key, add.amount, this.#times());
    }
  }

  #factsOf(given: CheckFacts, { agent, tools }: RegisteredAgent): Facts {
    const nowMs = this.#times().wallMs;
    const run = this.#runs.get(given.runId) ?? { state: createRunState(), startedAtMs: nowMs };
    this.#runs.set(given.runId, run);
    const callId = given.callId ?? "";
    const name = given.tool?.name ?? "";
    const known = tools.find((tool) => tool.name === name);
    const toolTags = [...new Set([...effectiveTags(known ?? {}), ...(given.tool?.tags ?? [])])];
    const isTool = given.phase === "tool.before" || given.phase === "tool.after";
    return {
      phase: given.phase,
      nowMs,
      agent: { slug: agent.slug, tags: agent.tags ?? [] },
      actor: given.actor,
      run: {
        runId: given.runId,
        sessionId: given.sessionId,
        startedAtMs: run.startedAtMs,
        status: "open",
        tags: given.runTags ?? {},
        context: given.context ?? {},
        state: run.state,
      },
      ...(isTool
        ? {
            call: {
              callId,
              tool: { name, tags: toolTags },
              args: given.args ?? {},
              result: given.result,
              error: given.error,
            },
          }
        : { llm: { callId, model: given.model, ...messagesOf(given) } }),
      metrics: given.metrics,
      subjects: given.subjects,
      signals: given.signals === undefined ? undefined : new Map<string, JsonValue>(Object.entries(given.signals)),
      shared: { read: (need) => this.#ledger.read(need.key, this.#times()) },
      lockdowns: this.#hub.lockdowns,
      failClosed: true,
      enforceMode: "enforce",
    };
  }
}

function messagesOf({ phase, messages }: CheckFacts): Pick<NonNullable<Facts["llm"]>, "messages" | "response"> {
  return phase === "llm.after" ? { response: messages?.at(-1) } : { messages };
}

function notePrompts(set: PolicySet, { messages = [] }: CheckFacts, state: RunState): void {
  for (const message of messages) {
    const text = promptTextOf(message);
    if (text !== undefined) notePrompt(set, state, text);
  }
}
