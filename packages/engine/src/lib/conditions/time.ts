import type { ExecutionTimeCondition, TimeGateCondition } from "@handlebar/protocol";
import type { CompileContext } from "../compile-context.ts";
import type { Facts } from "../facts.ts";
import type { Frame } from "../frame.ts";
import { FALSE, type Outcome, outcomeOf, UNKNOWN_OUTCOME } from "../outcome.ts";
import { compileTimeGate } from "../time-gate.ts";
import { compileActorReader } from "./actor.ts";
import { COST, type CompiledLeaf } from "./compiled-condition.ts";
import { missingOutcome } from "./missing.ts";
import { compileOrder } from "./number-test.ts";
import { textOf } from "./text-test.ts";

/** How long the run has lasted, or how long the call took: absent before it ended. */
export function compileExecutionTime(condition: ExecutionTimeCondition): CompiledLeaf {
  const holds = compileOrder(condition.op, condition.valueMs);
  const isRun = condition.scope === "run";
  return {
    kind: "executionTime",
    cost: COST.time,
    eval: (frame): Outcome => {
      const { facts } = frame;
      const elapsedMs = isRun ? facts.nowMs - facts.run.startedAtMs : callDurationMs(facts);
      if (elapsedMs === undefined) return FALSE;
      return Number.isFinite(elapsedMs) ? outcomeOf(holds(elapsedMs)) : UNKNOWN_OUTCOME;
    },
  };
}

function callDurationMs(facts: Facts): number | undefined {
  if (facts.phase === "tool.before" || facts.phase === "llm.before") return undefined;
  return facts.call?.durationMs ?? facts.metrics?.duration_ms;
}

/** Whether the wall clock of a zone is inside one of the windows; a zone that does not exist is unknown. */
export function compileTimeGateLeaf(condition: TimeGateCondition, context: CompileContext): CompiledLeaf {
  const gate = compileGate(condition, context);
  const zoneOf = compileZone(condition, context);
  const ifMissing = missingOutcome(condition.onMissing);
  return {
    kind: "timeGate",
    cost: COST.time,
    eval: (frame): Outcome => {
      const zone = zoneOf(frame);
      if (zone === undefined || zone === null) return ifMissing;
      if (typeof zone !== "string") return UNKNOWN_OUTCOME;
      const isInside = gate.isInside(zone, frame.facts.nowMs);
      return isInside === undefined ? UNKNOWN_OUTCOME : outcomeOf(isInside);
    },
  };
}

function compileGate(condition: TimeGateCondition, context: CompileContext): ReturnType<typeof compileTimeGate> {
  try {
    return compileTimeGate(condition.windows, context.zones);
  } catch (error) {
    return context.fail("HB_POLICY_INVALID", textOf(error), "windows");
  }
}

function compileZone(condition: TimeGateCondition, context: CompileContext): (frame: Frame) => unknown {
  const { timezone } = condition;
  if (typeof timezone === "string") {
    const zone = zoneOrFail(timezone, context, "timezone");
    return () => zone;
  }
  const read = compileActorReader(timezone.actor, context, "timezone.actor");
  if (timezone.fallback === undefined) return read;
  const fallback = zoneOrFail(timezone.fallback, context, "timezone.fallback");
  return (frame) => read(frame) ?? fallback;
}

function zoneOrFail(zone: string, context: CompileContext, field: string): string {
  if (context.zones.isTimeZone(zone)) return zone;
  return context.fail(
    "HB_POLICY_TIMEZONE_UNKNOWN",
    `\`${zone}\` is not a time zone; use an IANA name such as \`Europe/Berlin\``,
    field,
  );
}
