import type { AnyClient } from "@handlebar/core/adapter";
import { Agent, Runner, type RunState, run as sdkRun } from "@openai/agents";
import { describe, expect, expectTypeOf, it } from "vitest";
import * as z from "zod";
import { createRun, HandlebarRunner } from "./index.ts";
import { openWorld, script } from "./lib/world.test-support.ts";

const { hb } = openWorld([]);
const run = createRun(hb);
const answer = z.object({ answer: z.string() });
const text = () => new Agent({ name: "a", model: script("one") });
const structured = () =>
  new Agent<{ readonly user: string }, typeof answer>({
    name: "b",
    outputType: answer,
    model: script('{"answer":"yes"}'),
  });

describe("types", () => {
  it("of `run` and of the runner are the framework's", () => {
    expectTypeOf(run).toExtend<typeof sdkRun>();
    expectTypeOf<HandlebarRunner["run"]>().toExtend<Runner["run"]>();
    expectTypeOf<HandlebarRunner>().toExtend<Runner>();
    expectTypeOf(hb).toExtend<AnyClient>();
    expect(HandlebarRunner.prototype).toBeInstanceOf(Runner);
  });

  it("of results are inferred from the agent and the options as the framework infers them", async () => {
    const ours = {
      whole: () => run(text(), "go"),
      streamed: () => run(text(), "go", { stream: true }),
      structured: () => run(structured(), "go", { context: { user: "ann" } }),
      resumed: (state: RunState<undefined, ReturnType<typeof text>>) => run(text(), state),
      runner: () => new HandlebarRunner(hb).run(structured(), "go", { context: { user: "ann" } }),
    };
    const theirs = {
      whole: () => sdkRun(text(), "go"),
      streamed: () => sdkRun(text(), "go", { stream: true }),
      structured: () => sdkRun(structured(), "go", { context: { user: "ann" } }),
      resumed: (state: RunState<undefined, ReturnType<typeof text>>) => sdkRun(text(), state),
      runner: () => new Runner().run(structured(), "go", { context: { user: "ann" } }),
    };
    expectTypeOf(ours).toEqualTypeOf(theirs);
    const { finalOutput } = await ours.structured();
    expectTypeOf(finalOutput).toEqualTypeOf<{ answer: string } | undefined>();
    expect(finalOutput).toEqual({ answer: "yes" });
  });

  it("of the one option more say for whom a run is", () => {
    const right = () => run(text(), "go", { maxTurns: 3, handlebar: { actor: { externalId: "u_42" } } });
    // @ts-expect-error an actor has an `externalId`
    const wrong = () => run(text(), "go", { handlebar: { actor: { id: "u_42" } } });
    expect([typeof right, typeof wrong]).toEqual(["function", "function"]);
  });
});
