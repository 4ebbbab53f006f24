/**
 * A hand-written loop around the openai client, under policy: addresses never reach the model, and large refunds are not paid. Without
 * OPENAI_API_KEY the client talks to a local server that speaks the provider's wire format, and the outcome is checked.
 */
import { Handlebar } from "@handlebar/core";
import { memorySink } from "@handlebar/core/sinks";
import OpenAI from "openai";
import { openLocalServer } from "./local-server.ts";
import { runAgent } from "./loop.ts";
import { makeTools } from "./tools.ts";

const apiKey = process.env["OPENAI_API_KEY"];
const server =
  apiKey === undefined
    ? await openLocalServer([
        { text: "Let me look.", calls: [{ id: "call_1", name: "find_order", args: { order: "A-17" } }] },
        { calls: [{ id: "call_2", name: "refund", args: { amount: 812.5 } }] },
        { calls: [{ id: "call_3", name: "refund", args: { amount: 80 } }] },
        { text: "I could pay 80 back; the rest needs a person." },
      ])
    : undefined;
const client = new OpenAI({
  apiKey: apiKey ?? "local",
  ...(server === undefined ? {} : { baseURL: server.url, maxRetries: 0 }),
});

const sink = memorySink();
const hb = Handlebar.init({
  agent: { slug: "shop" },
  sinks: [sink],
  policies: [
    {
      name: "refunds",
      rules: [
        {
          name: "no large refunds",
          on: "tool.before",
          tool: { name: "refund" },
          when: { kind: "toolArg", path: "amount", type: "number", op: "gt", value: 500 },
          effect: { type: "block", reason: "refunds above 500 need a person" },
        },
        {
          name: "no addresses for the model",
          on: "llm.before",
          effect: { type: "redact", redact: [{ detectors: ["email"] }] },
        },
      ],
    },
  ],
});

const paid: number[] = [];
const run = hb.startRun({ actor: { externalId: "ana" } });
const agent = { client, model: "gpt-5", system: "You serve a shop's customers.", tools: makeTools(paid) };
const answer = await runAgent(agent, run, "Order A-17 never came. I am ana@example.com, I want my money back.");
await run.end();
await hb.shutdown();
await server?.close();

console.log(`> ${answer}`);
for (const event of sink.events) {
  if (event.kind !== "tool.decision") continue;
  console.log(`${event.data.verdict.padEnd(5)} ${event.data.tool.name}: ${event.data.message}`);
}

const tokens = sink.events.map((event) =>
  event.kind === "llm.result" ? (event.data.metrics?.["llm_tokens_in"] ?? 0) : 0,
);
const problems = [
  ...(paid.some((amount) => amount > 500) ? [`a large refund was paid: ${paid.join(", ")}`] : []),
  ...(server !== undefined && paid.join() !== "80" ? [`paid: ${paid.join(", ")}`] : []),
  ...(server?.requests.some((body) => body.includes("@example.com")) ? ["an address reached the model"] : []),
  ...(server !== undefined && tokens.reduce((sum, one) => sum + one, 0) !== 80 ? ["tokens were not counted once"] : []),
];
for (const problem of problems) console.error(`! ${problem}`);
if (problems.length > 0) process.exitCode = 1;
