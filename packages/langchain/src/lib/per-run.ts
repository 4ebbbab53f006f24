import type { AnyRun } from "@handlebar/core/adapter";

/**
 * Something that is kept with each run, and goes with it: made when it is first asked for. Kept on the run itself, for a weak map
 * that gets an entry with every run costs the garbage collector more than all that is kept in it.
 */
export function perRun<T extends object>(name: string, make: () => T): (run: AnyRun) => T {
  const key = Symbol(`handlebar.langchain.${name}`);
  return (run) => {
    // Only this function knows the symbol.
    const holder = run as unknown as { [key]?: T };
    holder[key] ??= make();
    return holder[key];
  };
}
