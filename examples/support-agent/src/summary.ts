import type { Run } from "@handlebar/core";
import { table } from "./screen.ts";

/** How many decisions of each kind the run had. */
export function summarise(run: Run): void {
  const counts = new Map<string, number>();
  for (const { verdict, control, cause } of run.decisions) {
    const key = [verdict, control, cause.kind].join(" ");
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  table([
    ["decision", "control", "cause", "count"],
    ...[...counts].map(([key, count]) => [...key.split(" "), String(count)]),
  ]);
}
