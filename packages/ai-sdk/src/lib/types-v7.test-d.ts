import { Handlebar, type Run } from "@handlebar/core";
import * as ai from "ai";
import { expectTypeOf } from "vitest";
import * as z from "zod";
import { govern, governAI, governModel, governTools, handlebarTelemetry } from "../index.ts";

// Compiled with the rest and never run: what the SDK 7 promises its users stays promised under policy.

declare const run: Run;
declare const model: ai.LanguageModel;
const hb = Handlebar.init({ agent: { slug: "types" }, enforceMode: "off" });
const typed = Handlebar.init<{ tenant: string }>({ agent: { slug: "types" }, enforceMode: "off" });

const weather = ai.tool({
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => ({ city, temp: 21 }),
});
const clock = ai.tool({ inputSchema: z.object({}), execute: async () => "noon" });
const tools = { weather, clock };

const governed = governAI(ai, hb);
expectTypeOf(governed).toEqualTypeOf<typeof ai>();
expectTypeOf(governAI(ai, typed, { start: () => ({ context: { tenant: "a" } }) })).toEqualTypeOf<typeof ai>();
// @ts-expect-error the context has the client's type
governAI(ai, typed, { start: { context: { tenant: 1 } } });

const governedTools = governTools(run, tools, { tags: { weather: ["external"] } });
expectTypeOf(governedTools).toEqualTypeOf<typeof tools>();
// @ts-expect-error there is no tool of that name
governTools(run, tools, { tags: { wether: ["external"] } });
expectTypeOf(governModel(run, model)).toEqualTypeOf<ai.LanguageModel>();
expectTypeOf<ai.InferUITools<typeof governedTools>>().toEqualTypeOf<ai.InferUITools<typeof tools>>();

export async function calls(): Promise<void> {
  const { generateText, streamText, ToolLoopAgent } = governed;
  const result = await generateText({ model, tools, prompt: "x", stopWhen: ai.stepCountIs(2) });
  for (const one of result.steps.flatMap((step) => step.toolResults)) {
    if (one.toolName === "weather" && !one.dynamic)
      expectTypeOf(one.output).toEqualTypeOf<{ city: string; temp: number }>();
  }
  const spread = await ai.generateText({ ...govern(run, { model, tools }), prompt: "x" });
  for (const one of spread.toolResults) {
    if (one.toolName === "clock" && !one.dynamic) expectTypeOf(one.output).toEqualTypeOf<string>();
  }
  const inline = await ai.generateText({
    ...govern(run, {
      model,
      tools: { n: ai.tool({ inputSchema: z.object({ n: z.number() }), execute: ({ n }) => n + 1 }) },
    }),
    prompt: "x",
    onStepEnd: ({ toolCalls }) => {
      for (const call of toolCalls)
        if (call.toolName === "n" && !call.dynamic) expectTypeOf(call.input.n).toEqualTypeOf<number>();
    },
  });
  expectTypeOf(inline.text).toEqualTypeOf<string>();
  const shaped = await generateText({
    model,
    prompt: "x",
    output: ai.Output.object({ schema: z.object({ a: z.number() }) }),
  });
  expectTypeOf(shaped.output).toEqualTypeOf<{ a: number }>();
  const streamed = streamText({
    model,
    tools,
    prompt: "x",
    onEnd: ({ steps }) => {
      expectTypeOf(steps.length).toEqualTypeOf<number>();
    },
  });
  expectTypeOf(streamed.textStream).toEqualTypeOf<ai.AsyncIterableStream<string>>();
  const agent = new ToolLoopAgent({ model, tools, callOptionsSchema: z.object({ user: z.string() }) });
  expectTypeOf(agent).toExtend<ai.Agent<{ user: string }, typeof tools>>();
  await agent.generate({ prompt: "x", options: { user: "u" } });
  // @ts-expect-error the call's options have the agent's type
  await agent.generate({ prompt: "x", options: { user: 1 } });
}

ai.registerTelemetry(handlebarTelemetry(hb));
