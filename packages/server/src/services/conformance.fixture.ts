import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as engine from "@handlebar/engine";
import type { CheckBody, CheckFacts, Decision, Lockdown } from "@handlebar/protocol";
import {
  type ConformanceCase,
  type ConformanceStep,
  type ConformanceWorld,
  conformanceFileSchema,
  runConformanceCase,
} from "@handlebar/testing";

/** Monday, 5 January 2026, 12:00 UTC: where cases start that do not say. */
export const CASE_NOW_MS = 1_767_614_400_000;

const FOLDER = fileURLToPath(new URL("../../../../spec/conformance/", import.meta.url));

/** Every case of the suite whose policies can be compiled. */
export function conformanceCases(): readonly ConformanceCase[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith(".json"))
    .flatMap((file) => conformanceFileSchema.parse(JSON.parse(readFileSync(`${FOLDER}${file}`, "utf8"))).cases)
    .filter((one) => one.refused === undefined);
}

/** Cases of which a store with a clock of its own says the same: those without windows of time. Every `step`-th. */
export function timelessCases(step: number): readonly ConformanceCase[] {
  const timeless = conformanceCases().filter(({ policies }) => !JSON.stringify(policies).includes('"windowSeconds"'));
  return timeless.filter((_, at) => at % step === 0);
}

/** What the engine decides in a case, in order. */
export function engineDecisions(source: ConformanceCase): readonly Decision[] {
  const decisions: Decision[] = [];
  runConformanceCase(source, {
    ...engine,
    decide: (set, facts) => {
      const decision = engine.decide(set, facts);
      decisions.push(decision);
      return decision;
    },
  });
  return decisions;
}

/** What a control plane must be able to do for a case to be asked of it. */
export interface CasePlane {
  /** Sets the clock. */
  setTime(nowMs: number): void;
  setAgent(agent: ConformanceWorld["agent"]): Promise<void>;
  setPolicies(policies: ConformanceCase["policies"]): Promise<void>;
  setLockdowns(lockdowns: readonly Lockdown[]): Promise<void>;
  /** How windows beyond the run answer; asked only where the case does not count. */
  setShared(shared: ConformanceWorld["shared"]): void;
  setApproval(approval: ConformanceWorld["approval"]): void;
  startRun(runId: string, run: NonNullable<ConformanceWorld["run"]> & { readonly agent: string }): Promise<void>;
  check(body: CheckBody): Promise<Decision>;
}

/** Asks a control plane all that a case asks. */
export async function serverDecisions(source: ConformanceCase, plane: CasePlane): Promise<readonly Decision[]> {
  const asking = new CaseAsking(source, plane);
  await asking.open();
  const decisions: Decision[] = [];
  for (const step of source.steps) {
    const decision = await asking.step(step);
    if (decision !== undefined) decisions.push(decision);
  }
  return decisions;
}

type DecideStep = Extract<ConformanceStep, { readonly do: "decide" }>;

class CaseAsking {
  readonly #source: ConformanceCase;
  readonly #plane: CasePlane;
  readonly #calls = new Map<string, NonNullable<DecideStep["call"]>>();
  #given: ConformanceWorld;
  #nowMs: number;
  #runCount = 0;
  #runId = "";
  #prompts: string[] = [];

  constructor(source: ConformanceCase, plane: CasePlane) {
    this.#source = source;
    this.#plane = plane;
    this.#given = source.given;
    this.#nowMs = source.given.nowMs ?? CASE_NOW_MS;
  }

  async open(): Promise<void> {
    const { given, policies } = this.#source;
    this.#plane.setTime(this.#nowMs);
    await this.#plane.setAgent(given.agent);
    await this.#plane.setPolicies(policies);
    await this.#apply(given);
    await this.#startRun(given.run);
  }

  async step(step: ConformanceStep): Promise<Decision | undefined> {
    switch (step.do) {
      case "prompt":
        this.#prompts.push(step.text);
        return undefined;
      case "advance":
        this.#nowMs += step.ms;
        this.#plane.setTime(this.#nowMs);
        return undefined;
      case "change":
        this.#given = { ...this.#given, ...step.given } as ConformanceWorld;
        await this.#apply(step.given as Partial<ConformanceWorld>);
        return undefined;
      case "run":
        await this.#startRun(step.run);
        return undefined;
      case "decide":
        if (step.phase === "tool.before" && step.call !== undefined) this.#calls.set(step.call.callId, step.call);
        return this.#decide(step);
      case "result": {
        const { callId, result, error, durationMs, metrics } = step;
        const call = this.#calls.get(callId);
        if (call === undefined) throw new Error(`no call ${callId}`);
        return this.#decide({ phase: "tool.after", call: { ...call, result, error, durationMs }, metrics });
      }
    }
  }

  async #apply({ agent, lockdowns, shared, approval }: Partial<ConformanceWorld>): Promise<void> {
    if (agent !== undefined) await this.#plane.setAgent(agent);
    if (lockdowns !== undefined) await this.#plane.setLockdowns(lockdowns);
    if (shared !== undefined) this.#plane.setShared(shared);
    if (approval !== undefined) this.#plane.setApproval(approval);
  }

  async #startRun(run: ConformanceWorld["run"]): Promise<void> {
    this.#given = { ...this.#given, run };
    this.#runCount += 1;
    this.#runId = run?.runId ?? `run-${this.#runCount}`;
    await this.#plane.startRun(this.#runId, { ...run, agent: this.#given.agent.slug });
  }

  #decide(asked: Pick<DecideStep, "phase" | "call" | "llm" | "metrics">): Promise<Decision> {
    const { failClosed = false, enforceMode = "enforce" } = this.#source.options ?? {};
    const facts = this.#factsOf(asked);
    this.#prompts = [];
    const hold = this.#given.approval !== undefined;
    return this.#plane.check({ agentId: this.#given.agent.slug, facts, failClosed, enforceMode, hold });
  }

  #factsOf({ phase, call, llm, metrics }: Pick<DecideStep, "phase" | "call" | "llm" | "metrics">): CheckFacts {
    const { actor, run } = this.#given;
    const said = phase === "llm.after" ? llm?.response && [llm.response] : llm?.messages;
    const { tool, callId = llm?.callId, ...rest } = call ?? {};
    return withoutAbsent({
      phase,
      runId: this.#runId,
      sessionId: run?.sessionId,
      actor,
      runTags: run?.tags,
      context: run?.context,
      labels: run?.labels,
      callId,
      tool,
      ...rest,
      model: llm?.model,
      messages: said,
      prompt: this.#prompts.length === 0 ? undefined : this.#prompts.join("\n"),
      metrics,
      ...this.#hostFacts(),
    });
  }

  #hostFacts(): Partial<CheckFacts> {
    const { subjects, signals = {}, customs = {} } = this.#given;
    const failed = Object.keys(signals).filter((name) => isUnknown(signals[name]));
    const known = Object.entries(signals).filter(([name]) => !failed.includes(name));
    const answers = customsIn(this.#source.policies).flatMap(({ name, args }) => {
      const key = args === undefined ? name : `${name}\n${engine.canonicalJson(args)}`;
      return typeof customs[name] === "boolean" ? [[key, customs[name]]] : [];
    });
    return {
      subjects: Array.isArray(subjects) ? subjects : undefined,
      signals: Object.fromEntries(known) as NonNullable<CheckFacts["signals"]>,
      customs: Object.fromEntries(answers) as NonNullable<CheckFacts["customs"]>,
      failed: { signals: failed, subjects: isUnknown(subjects) },
    };
  }
}

interface Custom {
  readonly name: string;
  readonly args?: unknown;
}

/** The custom conditions in a value, wherever they are. */
function customsIn(value: unknown): readonly Custom[] {
  if (typeof value !== "object" || value === null) return [];
  const inside = Object.values(value).flatMap(customsIn);
  // A condition of this kind has these fields.
  return "kind" in value && value.kind === "custom" ? [value as unknown as Custom, ...inside] : inside;
}

function isUnknown(value: unknown): boolean {
  return typeof value === "object" && value !== null && "unknown" in value && value.unknown === true;
}

/** As JSON has it. */
function withoutAbsent(facts: { readonly [K in keyof CheckFacts]: CheckFacts[K] | undefined }): CheckFacts {
  return JSON.parse(JSON.stringify(facts)) as CheckFacts;
}
