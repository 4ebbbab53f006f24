import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AdapterMode, AdapterSubject } from "@handlebar/testing";
import { vi } from "vitest";
import { readEvents, readInvoke, readMessages, readRunStream, readUpdates, readValues } from "./reading.fixture.ts";
import { type Reader, resumePlan, runPlan, type Wiring } from "./subject.fixture.ts";

const require = createRequire(import.meta.url);
export const versionOf = (name: string): string =>
  (JSON.parse(readFileSync(require.resolve(`${name}/package.json`), "utf8")) as { readonly version: string }).version;

const WAYS: readonly (readonly [name: string, streams: boolean, read: Reader])[] = [
  ["agent.invoke()", false, readInvoke],
  ["agent.stream() values", false, readValues],
  ["agent.stream() updates", false, readUpdates],
  ["agent.stream() messages", true, readMessages],
  ["agent.streamEvents() v2", true, readEvents],
  ["agent.streamEvents() v3", true, readRunStream],
];

function wiringOf(mode: AdapterMode, { governs, langchain }: Pick<Wiring, "governs" | "langchain">): Wiring {
  const [, , read] = WAYS.find(([name]) => name === mode.name) ?? WAYS[0] ?? [];
  if (read === undefined) throw new Error(`no such mode: ${mode.name}`);
  const readInner = read === readRunStream ? { readInner: readInvoke } : {};
  return { mode, governs, langchain, read, ...readInner };
}

/** One way to govern agents, on one version of LangChain. */
export function subjectOf(
  wiring: Pick<Wiring, "governs" | "langchain">,
  rest: Pick<AdapterSubject, "framework" | "cannot">,
): AdapterSubject {
  return {
    adapter: "langchain",
    modes: WAYS.map(([name, streams]) => ({ name, streams, can: { pause: true } })),
    run: (plan) => runPlan(plan, wiringOf(plan.mode, wiring)),
    resume: (plan, paused) => resumePlan(plan, paused, wiringOf(plan.mode, wiring)),
    secondCopyOfCore: () => {
      vi.resetModules();
      return import("@handlebar/core");
    },
    ...rest,
  };
}
