import type { Message, Redaction } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { redactMessage, redactMessages } from "./redact-messages.ts";

const EMAIL = "bob@example.com";
const redactions: readonly Redaction[] = [{ detectors: ["email"] }, { paths: ["token"] }];
const system: Message = { role: "system", content: "be kind" };
const file: Message = { role: "user", content: [{ type: "file", mediaType: "text/plain", name: EMAIL }] };
const call: Message = {
  role: "assistant",
  content: [
    { type: "reasoning", text: `write to ${EMAIL}` },
    { type: "text", text: "done" },
    { type: "tool-call", callId: EMAIL, tool: "send", args: { to: EMAIL, token: "t", role: "x" } },
  ],
};
const answer: Message = {
  role: "tool",
  content: [{ type: "tool-result", callId: "c", tool: "send", result: [EMAIL], isError: true }],
};

describe("redactMessages", () => {
  it("redacts texts, arguments and results in place, and keeps what holds nothing", () => {
    const messages = [system, { role: "user", content: EMAIL } as const, call, answer, file];
    const { value, counts, exceeded } = redactMessages(messages, redactions);
    expect(value).toEqual([
      system,
      { role: "user", content: "[redacted:email]" },
      {
        role: "assistant",
        content: [
          { type: "reasoning", text: "write to [redacted:email]" },
          { type: "text", text: "done" },
          {
            type: "tool-call",
            callId: EMAIL,
            tool: "send",
            args: { to: "[redacted:email]", token: "[redacted]", role: "x" },
          },
        ],
      },
      {
        role: "tool",
        content: [{ type: "tool-result", callId: "c", tool: "send", result: ["[redacted:email]"], isError: true }],
      },
      file,
    ]);
    expect([value[0] === system, value[4] === file, counts, exceeded]).toEqual([
      true,
      true,
      { email: 4, path: 1 },
      false,
    ]);
  });

  it("hands on the list itself when nothing was found", () => {
    const messages = [system, file];
    expect(redactMessages(messages, redactions).value).toBe(messages);
  });

  it("leaves empty values where everything is removed", () => {
    const everything: readonly Redaction[] = [{ paths: ["**"], method: "remove" }];
    const result: Message = { role: "tool", content: [{ type: "tool-result", callId: "c", result: 7 }] };
    expect(redactMessages([system, result], everything).value).toEqual([
      { role: "system", content: "" },
      { role: "tool", content: [{ type: "tool-result", callId: "c", result: null }] },
    ]);
  });

  it("lets nothing through past the bound of all messages together", () => {
    const text = "x ".repeat(130_000);
    const messages = Array.from({ length: 18 }, (): Message => ({ role: "user", content: text }));
    const { value, exceeded } = redactMessages(messages, [{ paths: ["a"] }]);
    expect(value.map(({ content }) => content === text)).toEqual([...new Array(16).fill(true), false, false]);
    expect([value[16], exceeded]).toEqual([{ role: "user", content: "[redacted:unscanned]" }, true]);
  });
});

describe("redactMessage", () => {
  it("redacts one message", () => {
    expect(redactMessage({ role: "assistant", content: EMAIL }, redactions)).toEqual({
      value: { role: "assistant", content: "[redacted:email]" },
      counts: { email: 1 },
      exceeded: false,
    });
    expect(redactMessage(call, [{ detectors: ["iban"] }]).value).toBe(call);
  });
});
