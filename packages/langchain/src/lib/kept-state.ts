import type { RunConfig } from "@handlebar/core";
import type { AnyClient, AnyRun } from "@handlebar/core/adapter";
import * as z from "zod";
import type { DecidedCall } from "./held-batch.ts";
import { bookOf } from "./run-book.ts";
import { boundRun, slotOf } from "./run-source.ts";
import { isObject } from "./tool-shape.ts";

/** The name of the private state: LangChain keeps names that begin with `_` in checkpoints, and out of input and output. */
export const STATE_KEY = "_handlebar";

/** What the agent's checkpoint keeps, so that a run goes on in another process. */
export interface KeptState {
  readonly runId: string;
  /** The middleware started the run and ends it. */
  readonly owned: boolean;
  /** The run's memory as of the newest answer of the model. */
  readonly snapshot?: RunConfig["snapshot"];
  /** Calls of which one waits for a person. */
  readonly held?: readonly DecidedCall[] | undefined;
}

const field = z.custom<KeptState>().nullable().default(null);

/** The state as LangGraph is told of it. It has a default because LangGraph makes an error of each look at what has none. */
export const stateSchema: z.ZodObject = withCheapCopies(z.object({ [STATE_KEY]: field }));

/**
 * LangChain copies the schema, with every field optional, for each call of a model, and Zod compiles each copy at its first use: more
 * time than all else around a call. Copies of this schema are one object, which has its field optional already.
 */
function withCheapCopies(schema: z.ZodObject): z.ZodObject {
  const copy = z.object({ [STATE_KEY]: field.optional() });
  const { _zod: inside } = schema;
  if (typeof inside?.constr !== "function") return schema;
  Object.defineProperty(inside, "constr", { value: makerOf(copy), configurable: true, writable: true });
  return schema;
}

function makerOf(made: object): new () => object {
  return class {
    constructor() {
      // biome-ignore lint/correctness/noConstructorReturn: Zod copies a schema with `new`.
      return made;
    }
  };
}

/** Reads it from an agent's state, as far as it is what was kept. */
export function keptState(state: unknown): KeptState | undefined {
  const kept = isObject(state) && STATE_KEY in state ? state[STATE_KEY] : undefined;
  // Only this package writes the key, and no input of the agent reaches it.
  return isObject(kept) && "runId" in kept && typeof kept.runId === "string" ? (kept as KeptState) : undefined;
}

/** Where a hook is called: what the agent's state and the invocation's configuration say. */
export interface HookPlace {
  readonly state: unknown;
  readonly configurable: unknown;
  /** For a run that begins here, or goes on where it was not begun. */
  readonly start: () => RunConfig<never>;
}

/** The run of a hook: the one that this invocation was bound to, else the one in the checkpoint, else a new one. */
export function runOf(hb: AnyClient, { state, configurable, start }: HookPlace): AnyRun {
  const bound = boundRun(hb, configurable);
  if (bound !== undefined) return bound;
  const slot = slotOf(hb, configurable);
  const kept = keptState(state);
  const run = kept === undefined ? hb.startRun(slot?.start ?? start()) : resumeRun(hb, kept, slot?.start ?? start());
  if (slot !== undefined) slot.run = run;
  return run;
}

/** Goes on with a run from a checkpoint, here or where it was not begun. */
function resumeRun(hb: AnyClient, kept: KeptState, config: RunConfig<never>): AnyRun {
  const { runId, snapshot, held } = kept;
  const run = hb.startRun({ ...config, runId, snapshot });
  const book = bookOf(run);
  const [first] = held ?? [];
  if (held !== undefined && first !== undefined && book.batchOf(first.before.callId) === undefined) {
    book.hold(run, held, "kept");
  }
  return run;
}
