import type { AnyRun } from "./any-run.ts";

/**
 * Something of an adapter's that is kept with each run, and goes with it: made when it is first asked for, under a symbol that nothing else uses. A
 * registered symbol serves every copy of the adapter. Kept on the run itself, for a weak map that gets an entry with every run costs the garbage
 * collector more than all that is kept in it.
 */
export function perRun<T extends object>(key: symbol, make: (run: AnyRun) => T): (run: AnyRun) => T {
  return (run) => {
    // Only this function sets the symbol.
    const holder = run as unknown as { [key]?: T };
    holder[key] ??= make(run);
    return holder[key];
  };
}
