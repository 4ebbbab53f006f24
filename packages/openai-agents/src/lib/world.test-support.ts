import { Handlebar, type HandlebarClient, type HandlebarConfig } from "@handlebar/core";
import { memorySink } from "@handlebar/core/sinks";
import type { AuditEvent, EventKind, Rule } from "@handlebar/protocol";
import { functionCall, ScriptedModel, type ScriptedModelInput } from "@openai/agents/testing";
import { createRun } from "../index.ts";
import type { CreateRunOptions, GovernedRun } from "./run-options.ts";

/** An agent's surroundings in one test: a client with rules and what it recorded. */
export interface World {
  readonly hb: HandlebarClient;
  readonly run: GovernedRun;
  eventsOf<K extends EventKind>(kind: K): readonly AuditEvent<K>[];
  /** Names of the tools that were decided with this verdict. */
  decided(verdict: "ALLOW" | "BLOCK"): readonly string[];
}

export function openWorld(
  rules: readonly Rule[],
  { config, options }: { readonly config?: Partial<HandlebarConfig>; readonly options?: CreateRunOptions } = {},
): World {
  const sink = memorySink();
  const hb = Handlebar.init({
    agent: { slug: "test" },
    policies: [{ name: "test", rules: [...rules] }],
    sinks: [sink],
    ...config,
  });
  const eventsOf = <K extends EventKind>(kind: K): readonly AuditEvent<K>[] =>
    // The kind decides which of the union's members an event is.
    sink.events.filter((event) => event.kind === kind) as unknown as readonly AuditEvent<K>[];
  return {
    hb,
    run: createRun(hb, options),
    eventsOf,
    decided: (verdict) =>
      eventsOf("tool.decision").flatMap(({ data }) => (data.verdict === verdict ? [data.tool.name] : [])),
  };
}

export function blockTool(name: string, extra: Partial<Rule> = {}): Rule {
  return {
    name: `no ${name}`,
    on: "tool.before",
    tool: { name },
    effect: { type: "block", reason: "not here" },
    ...extra,
  };
}

/** A model that answers with these in turn: text, or calls of `[tool, args]`. */
export function script(...turns: readonly (string | readonly ScriptCall[] | ScriptedModelInput)[]): ScriptedModel {
  let count = 0;
  return new ScriptedModel(
    turns.map((turn): ScriptedModelInput => {
      if (typeof turn === "string") return [say(turn)];
      if (!isCalls(turn)) return turn;
      return turn.map(([name, args]) => functionCall(name, args, { callId: `call-${++count}` }));
    }),
  );
}

type ScriptCall = readonly [name: string, args: Record<string, unknown>];

function isCalls(turn: readonly ScriptCall[] | ScriptedModelInput): turn is readonly ScriptCall[] {
  return Array.isArray(turn) && Array.isArray(turn[0]);
}

export function say(text: string) {
  return {
    type: "message" as const,
    role: "assistant" as const,
    status: "completed" as const,
    content: [{ type: "output_text" as const, text }],
  };
}
