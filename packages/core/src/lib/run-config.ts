import {
  type Actor,
  actorSchema,
  idSchema,
  type JsonObject,
  type Model,
  modelSchema,
  parseValue,
  stringMapSchema,
} from "@handlebar/protocol";
import * as z from "zod";
import { configError } from "./config.ts";

export interface RunConfig<TContext extends object = JsonObject> {
  /** Default: a new UUIDv7. The same id twice gives the same run. */
  readonly runId?: string | undefined;
  /** Groups runs, such as the turns of one conversation. */
  readonly sessionId?: string | undefined;
  /** Overrides the client's. */
  readonly actor?: Actor | undefined;
  readonly model?: Model | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Laid over the client's context. Must be plain data. */
  readonly context?: TContext | undefined;
  /** What the user asked for, where no `beforeLlm` will show it; `argFrom` knows its values as from the prompt. */
  readonly prompt?: string | undefined;
  /** Closes the run as `timeout` after this, in milliseconds. Default: the client's. */
  readonly runTtlMs?: number | undefined;
  /** Closes the run as `timeout` after this without a hook, in milliseconds. Default: the client's. */
  readonly idleTtlMs?: number | undefined;
  /** What `run.pause()` gave, here or in another process: the run goes on from there. Keep it where no model can write. */
  readonly snapshot?: RunSnapshot | undefined;
  /** The adapter that drives the run; recorded with it. */
  readonly adapter?: { readonly name: string; readonly version?: string | undefined } | undefined;
  /** The run that started this one: its labels pass down, and what this one learns passes back when it ends. */
  readonly parent?: { readonly runId: string } | undefined;
}

/** A paused run as plain JSON. */
export interface RunSnapshot {
  readonly version: 1;
  readonly runId: string;
  readonly startedAtMs: number;
  readonly nextSeq: number;
  readonly nextStep: number;
  /** What policies remember of the run; opaque. */
  readonly state: JsonObject;
}

const durationMs = z.number().min(1).max(2_147_483_647);

const runConfigSchema = z.strictObject({
  runId: idSchema.optional(),
  sessionId: idSchema.optional(),
  actor: actorSchema.optional(),
  model: modelSchema.optional(),
  tags: stringMapSchema.optional(),
  context: z
    .custom<object>(
      (value) => typeof value === "object" && value !== null && !Array.isArray(value),
      "must be an object",
    )
    .optional(),
  prompt: z.string().optional(),
  runTtlMs: durationMs.optional(),
  idleTtlMs: durationMs.optional(),
  snapshot: z
    .strictObject({
      version: z.literal(1),
      runId: idSchema,
      startedAtMs: z.number(),
      nextSeq: z.int().min(0),
      nextStep: z.int().min(0),
      state: z.record(z.string(), z.json()),
    })
    .optional(),
  adapter: z.strictObject({ name: z.string(), version: z.string().optional() }).optional(),
  parent: z
    .custom<{ runId: string }>((value) => typeof value === "object" && value !== null && "runId" in value)
    .optional(),
});

/** @throws HandlebarError `HB_RUN_CONFIG_INVALID`, naming every wrong field at once. */
export function checkRunConfig(config: object): void {
  const defined = Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
  const parsed = parseValue(runConfigSchema, defined);
  if (!parsed.ok) throw configError(parsed.issues, { what: "run config", code: "HB_RUN_CONFIG_INVALID" });
}
