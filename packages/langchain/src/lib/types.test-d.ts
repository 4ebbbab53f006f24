import type { HandlebarClient } from "@handlebar/core";
import { tool } from "@langchain/core/tools";
import { createAgent, type FakeToolCallingModel } from "langchain";
import { expectTypeOf } from "vitest";
import * as z from "zod";
import { governAgent } from "./govern-agent.ts";
import { governModel } from "./govern-model.ts";
import { governTools } from "./govern-tools.ts";
import { handlebar } from "./middleware.ts";

declare const hb: HandlebarClient<{ readonly tenant: string }>;
declare const model: FakeToolCallingModel;

const add = tool(({ a, b }) => a + b, { name: "add", schema: z.object({ a: z.number(), b: z.number() }) });
const alone = createAgent({ model, tools: [add], responseFormat: z.object({ sum: z.number() }) });
const governed = governAgent(hb, alone);
const withMiddleware = createAgent({
  model,
  tools: [add],
  middleware: [handlebar(hb)],
  responseFormat: z.object({ sum: z.number() }),
});

// Nothing that the user's types promised is lost.
expectTypeOf(governed).toEqualTypeOf<typeof alone>();
expectTypeOf<Awaited<ReturnType<typeof governed.invoke>>["structuredResponse"]>().toEqualTypeOf<{ sum: number }>();
expectTypeOf<Awaited<ReturnType<typeof withMiddleware.invoke>>["structuredResponse"]>().toEqualTypeOf<{
  sum: number;
}>();
expectTypeOf(governTools(hb, [add] as const)).toEqualTypeOf<readonly [typeof add]>();
expectTypeOf(governModel(hb, model)).toEqualTypeOf<FakeToolCallingModel>();
