import type { Frame } from "../frame.ts";
import { compileGlob } from "../glob.ts";
import { GLOB_LENGTH_MAX } from "../limits.ts";
import { FALSE, TRUE } from "../outcome.ts";
import { toTimestamp } from "./arithmetic.ts";
import type { ExprScope } from "./compile-expr.ts";
import { type CelValue, ExprError } from "./values.ts";

/** Every variable that an expression may read. What the call does not have is an error, as `has()` tells. */
export const EXPR_VARIABLES = [
  "phase",
  "tool",
  "args",
  "result",
  "error",
  "actor",
  "agent",
  "run",
  "context",
  "messages",
  "response",
  "metrics",
  "now",
] as const;

/** Functions beside the standard's, with how many arguments they take. */
export const EXPR_HOST_FUNCTIONS: ReadonlyMap<string, readonly number[]> = new Map([
  // The run has this label.
  ["label", [1]],
  // A call of a tool of this name (a glob) was let through earlier in the run.
  ["called", [1]],
]);

const UNREAD = new ExprError("exceeds a bound");

/** The facts of a decision as an expression sees them. */
export function exprScope(frame: Frame): ExprScope {
  return {
    variable: (name) => variable(frame, name),
    call(name, [arg]) {
      if (typeof arg !== "string") return undefined;
      if (name === "label") return frame.facts.run.state.flow.has(arg);
      if (name === "called") return wasCalled(frame, arg);
      return undefined;
    },
  };
}

function wasCalled(frame: Frame, pattern: string): CelValue {
  const { call, nowMs, run } = frame.facts;
  if (pattern.length > GLOB_LENGTH_MAX) return new ExprError("glob too long");
  const matches = compileGlob(pattern);
  const outcome = run.state.history.wasCalled(
    { matches: (tool) => matches(tool.name), outcome: undefined, withinMs: undefined },
    { nowMs, exceptCallId: call?.callId },
  );
  return outcome === TRUE || outcome === FALSE ? outcome === TRUE : UNREAD;
}

function variable(frame: Frame, name: string): CelValue | undefined {
  const { facts } = frame;
  const { call, run, actor } = facts;
  switch (name) {
    case "phase":
      return facts.phase;
    case "tool":
      return call && { name: call.tool.name, tags: call.tool.tags, kind: call.tool.kind ?? "function" };
    case "args":
      return call?.argsExceeded === true ? UNREAD : call?.args;
    case "result":
      return frame.result.exceeded ? UNREAD : frame.result.value;
    case "error":
      return call?.error && { name: call.error.name ?? "", message: call.error.message };
    case "actor":
      return actor && (actor as unknown as CelValue);
    case "agent":
      return { slug: facts.agent.slug, tags: facts.agent.tags };
    case "run":
      return {
        id: run.runId,
        ...(run.sessionId === undefined ? {} : { sessionId: run.sessionId }),
        tags: run.tags,
        startedAt: instant(run.startedAtMs),
      };
    case "context":
      return run.context;
    case "messages":
      return facts.llm?.messages as unknown as CelValue | undefined;
    case "response":
      return facts.llm?.response as unknown as CelValue | undefined;
    case "metrics":
      return facts.metrics ?? {};
    case "now":
      return instant(facts.nowMs);
    default:
      return undefined;
  }
}

function instant(epochMs: number): CelValue {
  return Number.isFinite(epochMs) ? toTimestamp(BigInt(Math.trunc(epochMs)) * 1_000_000n) : UNREAD;
}
