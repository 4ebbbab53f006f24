import {
  compile,
  createRunState,
  decide,
  type Facts,
  type Needs,
  needs,
  noteCall,
  notePrompt,
  noteResult,
  type PolicySet,
  promptTextOf,
  type RunState,
  seedLabels,
  sharedAdds,
  UNKNOWN,
  type Unknown,
} from "@handlebar/engine";
import type { CheckBody, CheckFacts, Decision, JsonValue } from "@handlebar/protocol";
import { effectiveTags } from "@handlebar/protocol";
import type { BudgetLedger, LedgerTimes } from "./budget-ledger.ts";
import type { RegisteredAgent, StateHub } from "./state-hub.ts";

/** One call to decide, and how the client asked. */
interface Asked {
  readonly given: CheckFacts;
  readonly body: CheckBody;
}

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
    return all.map((given) => this.#decideOne(set, { given, body }, registered));
  }

  #decideOne(set: PolicySet, { given, body }: Asked, registered: RegisteredAgent): Decision {
    const bare = this.#factsOf({ given, body }, registered);
    const facts = { ...bare, ...hostFacts(given, needs(set, bare)) };
    const isAfter = given.phase === "tool.after" || given.phase === "llm.after";
    if (given.prompt !== undefined) notePrompt(set, facts.run.state, given.prompt);
    if (given.labels !== undefined) seedLabels(facts.run.state.flow, given.labels);
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

  #factsOf({ given, body }: Asked, { agent, tools }: RegisteredAgent): Facts {
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
              tool: { name, tags: toolTags, kind: given.tool?.kind },
              args: given.args ?? {},
              argsExceeded: given.argsExceeded,
              result: given.result,
              resultExceeded: given.resultExceeded,
              error: given.error,
              durationMs: given.durationMs,
            },
          }
        : { llm: { callId, model: given.model, ...messagesOf(given) } }),
      metrics: given.metrics,
      shared: { read: (need) => this.#ledger.read(need.key, this.#times()) },
      lockdowns: this.#hub.lockdowns,
      failClosed: body.failClosed ?? true,
      enforceMode: body.enforceMode ?? "enforce",
    };
  }
}

/** What the client's own functions said. */
function hostFacts({ subjects, signals, customs, failed }: CheckFacts, needed: Needs): Partial<Facts> {
  const signalOf = (name: string): JsonValue | Unknown | undefined =>
    failed?.signals?.includes(name) === true ? UNKNOWN : signals?.[name];
  return {
    subjects: failed?.subjects === true ? UNKNOWN : subjects,
    signals: new Map(needed.signals.map((name) => [name, signalOf(name)])),
    customs: new Map(needed.customs.map(({ key, name }) => [key, customs?.[key] ?? customs?.[name] ?? UNKNOWN])),
  };
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
