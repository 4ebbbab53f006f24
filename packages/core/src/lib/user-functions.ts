import { type Facts, type Needs, toPlain, UNKNOWN, type Unknown } from "@handlebar/engine";
import { type JsonValue, type Metrics, metricsSchema, type Subject, subjectSchema } from "@handlebar/protocol";
import * as z from "zod";
import type { CallView, ResolvedConfig } from "./config.ts";
import { withDeadline } from "./deadline.ts";
import type { Runtime } from "./runtime.ts";

/** The facts that only the user's functions know. */
export type UserFacts = Pick<Facts, "subjects" | "signals" | "customs">;

type Report = (name: string, error: unknown) => void;

export interface Asking<TContext extends object> {
  readonly config: ResolvedConfig<TContext>;
  readonly runtime: Runtime;
  /** Told of every function that threw or was too slow. */
  readonly report: Report;
}

/** Whether matching rules need any function of the user's. */
export function asksUser({ subjects, signals, customs }: Needs): boolean {
  return subjects || signals.length > 0 || customs.length > 0;
}

const subjectsSchema = z.array(subjectSchema).max(1024);

/**
 * Calls the functions that the matching rules need, all at once, each within its deadline. One that throws, is too slow,
 * is not registered or answers with something else is unknown.
 */
export async function askUserFunctions<TContext extends object>(
  asking: Asking<TContext>,
  needs: Needs,
  view: CallView<TContext>,
): Promise<UserFacts> {
  if (!asksUser(needs)) return {};
  const { config } = asking;
  const signals = new Map<string, JsonValue | Unknown | undefined>();
  const customs = new Map<string, boolean | Unknown>();
  const ask = <T>(name: string, fn: (() => T | Promise<T>) | undefined): Promise<T | Unknown> =>
    askOne(asking, name, fn);
  const [subjects] = await Promise.all([
    needs.subjects && config.subjects !== undefined ? ask("subjects", () => config.subjects?.(view)) : undefined,
    ...needs.signals.map(async (name) => {
      const fn = own(config.signals, name);
      const value = await ask(`signal ${name}`, fn && (() => fn(view)));
      signals.set(name, value === UNKNOWN ? UNKNOWN : value === undefined ? undefined : toPlain(value).value);
    }),
    ...needs.customs.map(async ({ key, name, args }) => {
      const fn = own(config.customConditions, name);
      const value = await ask(`custom condition ${name}`, fn && (() => fn(view, args)));
      customs.set(key, typeof value === "boolean" ? value : UNKNOWN);
    }),
  ]);
  return { signals, customs, ...(needs.subjects ? { subjects: readSubjects(subjects) } : {}) };
}

/** The user's own metrics of a call; none where the function fails or gives something else. */
export async function askMetrics<TContext extends object>(
  asking: Asking<TContext>,
  view: CallView<TContext>,
): Promise<Metrics> {
  const { metrics } = asking.config;
  if (metrics === undefined) return {};
  const value = await askOne(asking, "metrics", () => metrics(view));
  if (value === UNKNOWN) return {};
  const parsed = metricsSchema.safeParse(value);
  if (!parsed.success) asking.report("metrics", parsed.error);
  return parsed.success ? parsed.data : {};
}

function readSubjects(value: unknown): readonly Subject[] | Unknown {
  if (value === undefined) return [];
  const parsed = subjectsSchema.safeParse(value);
  return parsed.success ? parsed.data : UNKNOWN;
}

async function askOne<T, TContext extends object>(
  asking: Asking<TContext>,
  name: string,
  fn: (() => T | Promise<T>) | undefined,
): Promise<T | Unknown> {
  if (fn === undefined) {
    asking.report(name, new Error("not registered"));
    return UNKNOWN;
  }
  try {
    const value = fn();
    if (!isThenable(value)) return value;
    const timed = await withDeadline(asking.runtime, Promise.resolve(value), {
      timeoutMs: asking.config.userFunctionTimeoutMs,
    });
    if (timed.ok) return timed.value;
    asking.report(name, timed.error ?? new Error(timed.reason));
    return UNKNOWN;
  } catch (error) {
    asking.report(name, error);
    return UNKNOWN;
  }
}

function isThenable<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
