import Anthropic from "@anthropic-ai/sdk";
import { Handlebar, type HandlebarConfig } from "@handlebar/core";
import { memorySink } from "@handlebar/core/sinks";
import { afterEach, describe, expect, it } from "vitest";
import { type LocalServer, openLocalServer, type Turn } from "./local-server.ts";
import { type LoopTool, runAgent } from "./loop.ts";
import { makeTools } from "./tools.ts";

type Rules = NonNullable<HandlebarConfig["policies"]>[number]["rules"];
const READ: Turn = { calls: [{ id: "toolu_1", name: "read_inbox", input: {} }] };
const SEND: Turn = { calls: [{ id: "toolu_2", name: "send_mail", input: { to: "bob@example.com" } }] };

let server: LocalServer | undefined;
afterEach(() => server?.close());

/** The loop around the real client, with a real server that speaks the provider's wire format. */
async function play(rules: Rules, turns: readonly Turn[], tools?: readonly LoopTool[]) {
  server = await openLocalServer(turns);
  const client = new Anthropic({ apiKey: "local", baseURL: server.url, maxRetries: 0 });
  const sink = memorySink();
  const hb = Handlebar.init({ agent: { slug: "inbox" }, sinks: [sink], policies: [{ name: "p", rules }] });
  const sent: string[] = [];
  const run = hb.startRun();
  const agent = { client, model: "claude", system: "You serve ann@example.com.", tools: tools ?? makeTools(sent) };
  const answer = await runAgent(agent, run, "go").catch((error: unknown) => error);
  await run.end();
  const kinds = (kind: string) => sink.events.filter((event) => event.kind === kind);
  return { answer, sent, requests: server.requests, kinds, run };
}

describe("a loop around the Anthropic client", () => {
  it("runs tools and comes to the model's last words", async () => {
    const { answer, sent, requests, kinds } = await play([], [READ, SEND, { text: "All is sent." }]);
    expect([answer, sent]).toEqual(["All is sent.", ['{"to":"bob@example.com"}']]);
    expect(requests).toHaveLength(3);
    expect(kinds("tool.result")).toHaveLength(2);
    expect(kinds("llm.result")[0]?.data).toMatchObject({ metrics: { llm_tokens_in: 25, llm_tokens_out: 9 } });
  });

  it("tells the model of a blocked call and goes on", async () => {
    const { answer, sent, requests } = await play(
      [{ name: "r", on: "tool.before", tool: { name: "send_mail" }, effect: { type: "block", reason: "mail is off" } }],
      [SEND, { text: "I could not." }],
    );
    expect([answer, sent]).toEqual(["I could not.", []]);
    expect(JSON.parse(requests[1] ?? "").messages[2].content).toEqual([
      {
        type: "tool_result",
        tool_use_id: "toolu_2",
        content: "this call was denied: mail is off",
        is_error: true,
      },
    ]);
  });

  it("starts nothing of a batch that ends the run", async () => {
    const { answer, sent, requests, run } = await play(
      [{ name: "r", on: "tool.before", tool: { name: "read_inbox" }, effect: { type: "block", control: "TERMINATE" } }],
      [{ calls: [...(SEND.calls ?? []), ...(READ.calls ?? [])] }, { text: "never" }],
    );
    expect([answer, sent, requests.length, run.terminated]).toEqual([expect.any(String), [], 1, true]);
  });

  it("redacts what the model is sent and what it answers", async () => {
    const redact = { type: "redact" as const, redact: [{ detectors: ["email" as const] }] };
    const { answer, sent, requests } = await play(
      [{ name: "r", on: ["llm.before", "llm.after"], effect: redact }],
      [READ, SEND, { text: "Sent to bob@example.com." }],
    );
    expect(answer).toBe("Sent to [redacted:email].");
    expect(sent).toEqual(['{"to":"[redacted:email]"}']);
    expect(requests.join()).not.toContain("@example.com");
  });

  it("records what tools and the provider throw", async () => {
    const broken: LoopTool = {
      name: "read_inbox",
      input_schema: { type: "object" },
      execute: async () => {
        throw new Error("offline");
      },
    };
    const { answer, requests, kinds } = await play([], [READ], [broken]);
    expect(requests[1]).toContain('"content":"offline","is_error":true');
    expect(kinds("tool.result")[0]?.data).toMatchObject({ outcome: "error", error: { message: "offline" } });
    expect(answer).toBeInstanceOf(Anthropic.BadRequestError);
    expect(kinds("llm.result").at(-1)?.data).toMatchObject({ outcome: "error" });
  });
});
