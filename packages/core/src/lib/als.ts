import type { AnyRun } from "./adapter/any-run.ts";
import type { Run } from "./run.ts";

/** The part of AsyncLocalStorage that is used. */
interface Storage {
  run<T>(store: unknown, fn: () => T): T;
  getStore(): unknown;
}
type StorageClass = new () => Storage;

const KEY = Symbol.for("handlebar.current-run.v1");

// Two copies of this package in one process must see the same current run, so the storage is found by a registered
// symbol; it is put there at the first `withRun`, never at import.
type Holder = { [KEY]?: Storage };

function storage(create: boolean): Storage | undefined {
  const holder = globalThis as Holder;
  if (holder[KEY] !== undefined || !create) return holder[KEY];
  const Class = findStorageClass();
  if (Class === undefined) return undefined;
  const made = new Class();
  Object.defineProperty(holder, KEY, { value: made, enumerable: false });
  return made;
}

function findStorageClass(): StorageClass | undefined {
  const host = globalThis as {
    AsyncLocalStorage?: StorageClass;
    process?: { getBuiltinModule?(name: string): { AsyncLocalStorage?: StorageClass } | undefined };
  };
  return host.process?.getBuiltinModule?.("node:async_hooks")?.AsyncLocalStorage ?? host.AsyncLocalStorage;
}

/**
 * Runs `fn` with `run` as the current run of everything that it calls or awaits. Where the host has no
 * AsyncLocalStorage, `fn` simply runs and `getCurrentRun` gives nothing: pass the run explicitly there.
 */
export function withRun<T>(run: AnyRun, fn: () => T): T {
  const store = storage(true);
  return store === undefined ? fn() : store.run(run, fn);
}

/** The run that the nearest `withRun` bound, if any. */
export function getCurrentRun(): Run | undefined {
  // Only `withRun` puts anything into this storage.
  return storage(false)?.getStore() as Run | undefined;
}
