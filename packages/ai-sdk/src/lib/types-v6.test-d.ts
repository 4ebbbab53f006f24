import { Handlebar, type Run } from "@handlebar/core";
import * as ai from "ai6";
import { expectTypeOf } from "vitest";
import * as z from "zod";
import { govern, governAI, governModel, governTools } from "../index.ts";

// Compiled with the rest and never run: what the SDK 6 promises its users stays promised under policy.

declare const run: Run;
declare const model: ai.LanguageModel;
const hb = Handlebar.init({ agent: { slug: "types" }, enforceMode: "off" });

const weather = ai.tool({
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => ({ city, temp: 21 }),
});
const tools = { weather, clock: ai.tool({ inputSchema: z.object({}), execute: async () => "noon" }) };

const governed = governAI(ai, hb);
expectTypeOf(governed).toEqualTypeOf<typeof ai>();
const governedTools = governTools(run, tools, { tags: { weather: ["external"] }, approvals: "native" });
expectTypeOf(governedTools).toEqualTypeOf<typeof tools>();
// @ts-expect-error there is no tool of that name
governTools(run, tools, { tags: { wether: ["external"] } });
expectTypeOf(governModel(run, model)).toEqualTypeOf<ai.LanguageModel>();
expectTypeOf<ai.InferUITools<typeof governedTools>>().toEqualTypeOf<ai.InferUITools<typeof tools>>();

export async function calls(): Promise<void> {
  const { generateText, ToolLoopAgent } = governed;
  const result = await generateText({ model, tools, prompt: "x", stopWhen: ai.stepCountIs(2) });
  for (const one of result.steps.flatMap((step) => step.toolResults)) {
    if (one.toolName === "weather" && !one.dynamic)
      expectTypeOf(one.output).toEqualTypeOf<{ city: string; temp: number }>();
  }
  const spread = await ai.generateText({
    ...govern(run, { model, tools }),
    prompt: "x",
    onStepFinish: ({ toolCalls }) => {
      for (const call of toolCalls)
        if (call.toolName === "weather" && !call.dynamic) expectTypeOf(call.input.city).toEqualTypeOf<string>();
    },
  });
  expectTypeOf(spread.text).toEqualTypeOf<string>();
  const agent = new ToolLoopAgent({ model, tools, callOptionsSchema: z.object({ user: z.string() }) });
  expectTypeOf(agent).toExtend<ai.Agent<{ user: string }, typeof tools>>();
  await agent.generate({ prompt: "x", options: { user: "u" } });
  // @ts-expect-error the call's options have the agent's type
  await agent.generate({ prompt: "x", options: { user: 1 } });
}
