import type { Message } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { MessageLog } from "./message-log.ts";

const user = (content: Message["content"]): Message => ({ role: "user", content });

describe("MessageLog", () => {
  it("gives each message of a growing conversation once", () => {
    const log = new MessageLog();
    const first = [user("hello"), user([{ type: "text", text: "see" }])];
    const later = [...first.map((message) => ({ ...message })), user("and now")];
    expect(log.unseen(first)).toEqual(first);
    expect(log.unseen(later)).toEqual([user("and now")]);
  });

  it("takes the same words said again as another message", () => {
    const log = new MessageLog();
    expect(log.unseen([user("yes")])).toHaveLength(1);
    expect(log.unseen([user("yes"), user("yes")])).toHaveLength(1);
    expect(log.unseen([user("yes"), user("yes")])).toHaveLength(0);
  });

  it("tells roles, kinds of content and long texts apart", () => {
    const log = new MessageLog();
    const long = "x".repeat(10_000);
    const all: Message[] = [
      user("hi"),
      { role: "system", content: "hi" },
      user([{ type: "text", text: "hi" }]),
      user('{"role":"user","content":[{"type":"text","text":"hi"}]}'),
      user(`\n{"role":"user","content":[{"type":"text","text":"hi"}]}`),
      user(`${long}a`),
      user(`${long}b`),
    ];
    expect(log.unseen(all)).toEqual(all);
    expect(log.unseen(all)).toEqual([]);
  });
});
