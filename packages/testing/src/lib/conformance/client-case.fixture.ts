import type { ConformanceCase, ConformanceStep } from "./conformance-case.ts";

type Steps<K extends ConformanceStep["do"]> = readonly Extract<ConformanceStep, { readonly do: K }>[];

/** Longest timer of a client: a run that is older than that has ended. */
export const TTL_MAX_MS = 2_147_483_647;

/**
 * Why a case cannot be asked of a client, where it cannot: it sets facts that a client makes by itself, or that only a control
 * plane could bring about.
 */
export function whyNotAskable(source: ConformanceCase): string | undefined {
  return [whyNotWorld(source), whyNotSteps(source), whyNotHolds(source)].find((why) => why !== undefined);
}

function whyNotWorld({ given, steps }: ConformanceCase): string | undefined {
  const changes = stepsOf(steps, "change").map((step) => step.given);
  const worlds = [given, ...changes];
  if (worlds.some(({ shared = "counted" }) => shared !== "counted")) return "gives readings of shared windows";
  if (changes.some(({ agent, actor }) => agent !== undefined || actor !== undefined)) return "changes agent or actor";
  const runs = [given.run, ...stepsOf(steps, "run").map((step) => step.run)];
  if (runs.some((run) => (run?.labels ?? []).length > 0)) return "gives labels";
  if (runs.some((run) => run?.status === "terminated")) return "gives a run that was terminated before";
  if (runs.slice(1).some((run) => run?.startedAtMs !== undefined)) return "gives the start of a later run";
  const ageMs = given.run?.startedAtMs === undefined ? 0 : (given.nowMs ?? Number.NaN) - given.run.startedAtMs;
  return ageMs >= 0 && ageMs < TTL_MAX_MS ? undefined : "gives a run that starts later or too early";
}

function whyNotSteps({ steps }: ConformanceCase): string | undefined {
  const asked = stepsOf(steps, "decide");
  const firstAsked = steps.findIndex((step) => step.do === "decide");
  if (steps.some((step, at) => step.do === "prompt" && at > firstAsked)) return "says a prompt after the first call";
  if (asked.some(({ call }) => call?.argsExceeded === true || call?.resultExceeded === true))
    return "says what exceeded";
  if (asked.some(({ phase, metrics }) => metrics !== undefined && phase.endsWith(".before")))
    return "gives metrics early";
  if (asked.some(({ phase, call, llm }) => (phase.startsWith("tool") ? call : llm) === undefined))
    return "asks of no call";
  const ofModels = asked
    .filter(({ phase }) => phase === "llm.after")
    .flatMap(({ metrics }) => Object.keys(metrics ?? {}));
  const known = ["llm_tokens_in", "llm_tokens_out", "llm_cost_usd", "duration_ms"];
  return ofModels.every((name) => known.includes(name)) ? undefined : "gives a model call metrics of its own";
}

/** A client holds only tool calls that have not run: anything else cannot wait for a person (SPEC 3.9). */
function whyNotHolds({ given, policies }: ConformanceCase): string | undefined {
  const holds = policies.some(({ default: effect, rules }) =>
    rules.some((rule) => {
      const isHeld = rule.effect.type === "hitl" || effect === "hitl";
      return isHeld && [rule.on].flat().some((phase) => phase !== "tool.before");
    }),
  );
  if (holds) return "holds what cannot be held";
  const rules = policies.flatMap((policy) => policy.rules);
  const isBlocked = rules.some(({ effect }) => effect.type === "block");
  const ends = rules.some(({ effect }) => effect.type === "hitl" && effect.control === "TERMINATE");
  return isBlocked && ends && given.approval?.status === "approved" ? "asks nobody of what is blocked" : undefined;
}

export function stepsOf<K extends ConformanceStep["do"]>(steps: readonly ConformanceStep[], kind: K): Steps<K> {
  // The filter proves the kind.
  return steps.filter((step) => step.do === kind) as unknown as Steps<K>;
}

/** Names that conditions of one kind use, wherever they are. */
export function namesIn(value: unknown, kind: "signal" | "custom"): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  const inside = Object.values(value).flatMap((one) => namesIn(one, kind));
  const name: unknown =
    kind === "signal" && "signal" in value ? value.signal : "name" in value ? value.name : undefined;
  return "kind" in value && value.kind === kind && typeof name === "string" ? [name, ...inside] : inside;
}
