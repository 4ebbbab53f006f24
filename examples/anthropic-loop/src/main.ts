/**
 * A hand-written loop around the Anthropic client, under policy: mail addresses never reach the model, and no mail goes out. Without
 * ANTHROPIC_API_KEY the client talks to a local server that speaks the provider's wire format, and the outcome is checked.
 */
import Anthropic from "@anthropic-ai/sdk";
import { Handlebar } from "@handlebar/core";
import { memorySink } from "@handlebar/core/sinks";
import { openLocalServer } from "./local-server.ts";
import { runAgent } from "./loop.ts";
import { makeTools } from "./tools.ts";

const apiKey = process.env["ANTHROPIC_API_KEY"];
const server =
  apiKey === undefined
    ? await openLocalServer([
        { text: "I read the inbox.", calls: [{ id: "toolu_1", name: "read_inbox", input: {} }] },
        { calls: [{ id: "toolu_2", name: "send_mail", input: { to: "bob@example.com", text: "prices" } }] },
        { text: "I may not send mail, so please send the list yourself." },
      ])
    : undefined;
const client = new Anthropic({
  apiKey: apiKey ?? "local",
  ...(server === undefined ? {} : { baseURL: server.url, maxRetries: 0 }),
});

const sink = memorySink();
const hb = Handlebar.init({
  agent: { slug: "inbox" },
  sinks: [sink],
  policies: [
    {
      name: "mail",
      rules: [
        { name: "no mail goes out", on: "tool.before", tool: { name: "send_mail" }, effect: { type: "block" } },
        {
          name: "no addresses for the model",
          on: "llm.before",
          effect: { type: "redact", redact: [{ detectors: ["email"] }] },
        },
      ],
    },
  ],
});

const sent: string[] = [];
const run = hb.startRun({ actor: { externalId: "u_42" } });
const agent = { client, model: "claude-sonnet-5-5", system: "You look after an inbox.", tools: makeTools(sent) };
const answer = await runAgent(agent, run, "What is new, and can you take care of it?");
await run.end();
await hb.shutdown();
await server?.close();

console.log(`> ${answer}`);
for (const event of sink.events) {
  if (event.kind === "tool.decision") console.log(`${event.data.verdict.padEnd(5)} ${event.data.tool.name}`);
}

const problems = [
  ...(sent.length > 0 ? [`mail went out: ${sent.join(", ")}`] : []),
  ...(server?.requests.some((body) => body.includes("@example.com")) ? ["an address reached the model"] : []),
  ...(server !== undefined && server.requests.length !== 3 ? [`${server.requests.length} requests instead of 3`] : []),
];
for (const problem of problems) console.error(`! ${problem}`);
if (problems.length > 0) process.exitCode = 1;
