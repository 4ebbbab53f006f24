import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Handlebar, type Run, type ToolRun } from "@handlebar/core";
import { fileSink, loadPolicyFiles } from "@handlebar/core/node";
import { packFile } from "@handlebar/policies/packs";
import { runAgent } from "./agent.ts";
import { checkReplay, replayStricter } from "./replay.ts";
import { heading, paint, say, shorten } from "./screen.ts";
import { makeScript, PROMPT, type ScriptedTurn } from "./script.ts";
import { summarise } from "./summary.ts";
import { makeTools } from "./tools.ts";
import { openWorld, type World } from "./world.ts";

const POLICIES = fileURLToPath(new URL("../policies/", import.meta.url));
const problems: string[] = [];

function check(holds: boolean, what: string): void {
  if (holds) return;
  problems.push(what);
  say(paint("red", `  ! ${what}`));
}

const world = await openWorld(join(process.cwd(), ".handlebar", "demo"));
const audit = join(world.folder, "audit.jsonl");
const tools = makeTools(world);

const hb = Handlebar.init({
  agent: { slug: "support", name: "Support" },
  policies: loadPolicyFiles([join(POLICIES, "support.yaml"), fileURLToPath(packFile("data-exfiltration"))]),
  tools: [...tools.values()].map(({ name, description, tags }) => ({
    name,
    tags: [...tags],
    ...(description && { description }),
  })),
  sinks: [fileSink({ path: audit })],
  // The replay at the end must see what the policies saw; cards in messages stay masked.
  capture: { args: "full", results: "full" },
  metrics: ({ phase, tool, args }) => (phase === "tool.after" && tool?.name === "refund" ? refundMetrics(args) : {}),
  approvalWaitMs: 10_000,
  onApproval: (request) => {
    say(`  ${paint("yellow", "?")} ${request.reason}: ${request.tool} ${shorten(request.args)}`);
    say(`  ${paint("yellow", "?")} Ada, who is on call, approves this one call`);
    return { status: "approved", by: "ada" };
  },
});

function refundMetrics(args: unknown): Record<string, number> {
  const { amount } = args as { amount?: unknown };
  return typeof amount === "number" ? { refund_usd: amount } : {};
}

heading("A support agent under policy");
say(paint("grey", `  ${PROMPT}`));
const run = hb.startRun({ actor: { externalId: "ana", name: "Ana Ruiz" }, sessionId: "demo" });
const script = makeScript(world.pageUrl);
await playScript(run, script);
await run.end();
await hb.shutdown();

heading("What happened");
summarise(run);
checkWorld(world);

heading("The audit file");
say(`  ${audit}`);

heading("What would a stricter policy have done?");
checkReplay(replayStricter(audit, join(POLICIES, "stricter.yaml")), check);

await world.close();
say();
if (problems.length > 0) {
  say(paint("red", `${problems.length} things went otherwise than they should`));
  process.exitCode = 1;
} else {
  say(paint("green", "everything went as it should"));
}

async function playScript(run: Run, turns: readonly ScriptedTurn[]): Promise<void> {
  let turnIndex = -1;
  let callIndex = 0;
  await runAgent(run, {
    prompt: PROMPT,
    tools,
    model: () => {
      turnIndex += 1;
      callIndex = 0;
      const turn = turns[turnIndex]?.turn;
      if (turn?.text !== undefined) say(`\n${paint("blue", "model")} ${turn.text}`);
      return Promise.resolve(turn);
    },
    onMessages: (decision, messages) => {
      const text = JSON.stringify(messages);
      check(!text.includes("4111 1111") && !text.includes("5555 5555"), "the model saw a card number");
      if (turnIndex < 0) {
        heading("a redacted message");
        say(`  ${paint("yellow", "~")} ${shorten(messages[0]?.content, 200)}`);
        check(decision.redactions !== undefined, "the first request was not redacted");
      }
    },
    onCall: (call, outcome) => {
      const expected = turns[turnIndex]?.expect[callIndex++];
      heading(expected?.title ?? "a call that nobody expected");
      showCall(call, outcome);
      const { cause } = outcome.decision;
      const isRight = outcome.status === expected?.status && cause.kind === expected.cause;
      check(isRight, `expected ${expected?.status} (${expected?.cause}), got ${outcome.status} (${cause.kind})`);
    },
  });
  check(turnIndex === turns.length - 1, `the script stopped at turn ${turnIndex + 1} of ${turns.length}`);
  check(run.terminated, "the run was not terminated");
}

function showCall(
  call: { readonly tool: string; readonly args: object },
  { status, decision }: ToolRun<unknown>,
): void {
  const mark = status === "done" ? paint("green", "✓ ALLOW") : paint("red", `✗ BLOCK, ${decision.control}`);
  say(`  ${mark}  ${call.tool} ${shorten(call.args)}`);
  if (status === "blocked") say(paint("grey", `    ${decision.message}`));
}

function checkWorld(world: World): void {
  const mails = world.recorded("outbox.jsonl") as readonly { to: string }[];
  const refunds = world.recorded("refunds.jsonl") as readonly { amount: number }[];
  check(mails.length === 1 && mails[0]?.to === "ana@example.com", "a mail went where it must not");
  check(refunds.map((refund) => refund.amount).join() === "900,60", "the refunds are not 900 and 60");
  check(world.recorded("deleted.jsonl").length === 0, "a customer was deleted");
}
