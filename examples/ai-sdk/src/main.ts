/**
 * A support agent under policy: a mail that a web page asked for is blocked, a large refund waits for a person, and no mail address
 * reaches the user, though the answer is streamed in pieces. Without AI_GATEWAY_API_KEY the model is scripted, and the outcome is
 * checked.
 */
import { governAI } from "@handlebar/ai-sdk";
import { Handlebar } from "@handlebar/core";
import { memorySink } from "@handlebar/core/sinks";
import * as ai from "ai";
import { POLICIES } from "./policies.ts";
import { scriptedModel } from "./script.ts";
import { makeTools, type World } from "./tools.ts";

const isScripted = process.env["AI_GATEWAY_API_KEY"] === undefined;
const sink = memorySink();
const hb = Handlebar.init({
  agent: { slug: "support" },
  policies: POLICIES,
  sinks: [sink],
  onApproval: ({ tool, args, reason }) => {
    console.log(`? ${tool} ${JSON.stringify(args)}: ${reason}; Ada, who is on call, approves this one call`);
    return { status: "approved", by: "ada" };
  },
});

// The one changed line: it was `const { ToolLoopAgent } = ai;`.
const { ToolLoopAgent } = governAI(ai, hb, {
  approvals: "native",
  start: () => ({ actor: { externalId: "ana" }, sessionId: "chat-1" }),
});

const world: World = { refunds: [], mails: [] };
const agent = new ToolLoopAgent({
  model: isScripted ? scriptedModel() : "openai/gpt-5-mini",
  instructions: "You serve customers of a shop. Look up the order and the returns page, then pay what is due.",
  tools: makeTools(world),
});

const messages: ai.ModelMessage[] = [{ role: "user", content: "My order A-17 never came. I want my money back." }];
let answer = "";
for (;;) {
  const result = await agent.stream({ messages });
  for await (const piece of result.textStream) answer += piece;
  messages.push(...(await result.responseMessages));
  const requests = (await result.content).filter((part) => part.type === "tool-approval-request");
  if (requests.length === 0) break;
  console.log(`paused for ${requests.map(({ toolCall }) => toolCall.toolName).join(", ")}`);
  // `approved` wakes the agent up; whether the call may run is asked of Handlebar again.
  const content = requests.map(({ approvalId }) => ({
    type: "tool-approval-response" as const,
    approvalId,
    approved: true,
  }));
  messages.push({ role: "tool", content });
}
await hb.shutdown();

console.log(`> ${answer}`);
for (const event of sink.events) {
  if (event.kind === "tool.decision") {
    console.log(`  ${event.data.verdict.padEnd(5)} ${event.data.tool.name.padEnd(10)} ${event.data.message}`);
  }
}

if (isScripted) {
  const [ended] = sink.events.filter((event) => event.kind === "run.ended");
  const seen = { mails: world.mails, refunds: world.refunds, answer, status: ended?.data.status };
  const wanted = {
    mails: [],
    refunds: [812.5],
    answer: "I paid 812.50 back to [redacted:email].",
    status: "success",
  };
  if (JSON.stringify(seen) !== JSON.stringify(wanted)) {
    console.error("the story went otherwise:", seen);
    process.exitCode = 1;
  }
}
