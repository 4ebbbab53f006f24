/**
 * Two agents under policy: mail after reading customer data is blocked, a large refund waits for a person, and the paused agents go
 * on from text that a program would keep in its database. Without OPENAI_API_KEY the model is scripted, and the outcome is checked.
 */
import { Handlebar } from "@handlebar/core";
import { memorySink } from "@handlebar/core/sinks";
import { createRun } from "@handlebar/openai-agents";
import { RunState, setTracingDisabled } from "@openai/agents";
import { makeAgents, type World } from "./agents.ts";
import { POLICIES } from "./policies.ts";
import { frontScript, refundsScript } from "./scripts.ts";

const isScripted = process.env["OPENAI_API_KEY"] === undefined;
setTracingDisabled(isScripted);

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
const run = createRun(hb, { start: { actor: { externalId: "ana" }, sessionId: "chat-1" } });

const world: World = { refunds: [], mails: [] };
const models = isScripted ? { front: frontScript(), refunds: refundsScript() } : {};
const agent = makeAgents(world, models);

let result = await run(agent, "My order A-17 never came. I want my money back.");
while (result.interruptions.length > 0) {
  const stored = result.state.toString();
  console.log(
    `paused for ${result.interruptions.map(({ name }) => name).join(", ")}; ${stored.length} characters kept`,
  );
  result = await run(agent, await RunState.fromString(agent, stored));
}
await hb.shutdown();

console.log(`> ${result.finalOutput}`);
for (const event of sink.events) {
  if (event.kind !== "tool.decision") continue;
  console.log(`${event.data.verdict.padEnd(5)} ${event.data.tool.name}: ${event.data.message}`);
}

const problems = [
  ...(world.mails.length > 0 ? [`mail went out to ${world.mails.join(", ")}`] : []),
  ...(isScripted && JSON.stringify(world.refunds) !== '[{"orderId":"A-17","amount":812.5}]'
    ? [`the refund was paid ${world.refunds.length} times`]
    : []),
  ...(isScripted && result.finalOutput !== "Order A-17 is paid back." ? ["the agents did not come to their end"] : []),
  ...(sink.events.filter(({ kind }) => kind === "run.ended").length === 1 ? [] : ["the run did not end once"]),
];
for (const problem of problems) console.error(`! ${problem}`);
if (problems.length > 0) process.exitCode = 1;
