import type { JsonValue } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { Frame } from "./frame.ts";
import { readMcpResult } from "./mcp-result.ts";

const text = (value: JsonValue) => ({ type: "text", text: typeof value === "string" ? value : JSON.stringify(value) });
const RECORD = { id: 7, note: "call me" };

describe("readMcpResult", () => {
  it.each<[string, JsonValue, JsonValue]>([
    ["an envelope with a record", { content: [text(RECORD)] }, RECORD],
    ["an envelope that says it is no error", { content: [text(RECORD)], isError: false }, RECORD],
    ["a list of one text", [text("just words")], "just words"],
    ["one text alone", text([1, 2]), [1, 2]],
    ["several texts", { content: [text(RECORD), text("words")] }, [RECORD, "words"]],
    ["structured content that says the same", { content: [text(RECORD)], structuredContent: RECORD }, RECORD],
    ["YAML", { content: [text("id: 7\nnote: x")] }, { id: 7, note: "x" }],
    ["what looks wrapped twice, once", [text(JSON.stringify(text(RECORD)))], text(RECORD)],
  ])("unwraps %s", (_what, result, expected) => {
    expect(readMcpResult(result)).toEqual(expected);
  });

  it.each<[string, JsonValue]>([
    ["a picture among the parts", { content: [text(RECORD), { type: "image", data: "x" }] }],
    ["another field", { content: [text(RECORD)], _meta: { a: 1 } }],
    ["another field of a part", { content: [{ ...text(RECORD), annotations: {} }] }],
    ["structured content that says something else", { content: [text(RECORD)], structuredContent: { id: 8 } }],
    ["a text that was cut off", { content: [text('{"id": 7, "note": "ca')] }],
    ["an error", { content: [text("no such file")], isError: true }],
    ["no parts", { content: [] }],
    ["a part without text", [{ type: "text" }]],
    ["more parts than are read", Array.from({ length: 257 }, () => text("x"))],
    ["a record of the tool's own", { content: "hello", id: 1 }],
    ["a list of the tool's own", [1, 2]],
    ["nothing", null],
  ])("leaves %s as it is", (_what, result) => {
    expect(readMcpResult(result)).toBeUndefined();
  });
});

describe("a frame", () => {
  const reading = (result: JsonValue) =>
    new Frame({ call: { callId: "c", tool: { name: "t", tags: [] }, args: {}, argsExceeded: false, result } } as never)
      .result;

  it("reads an envelope as what it holds, and text as before", () => {
    expect(reading({ content: [text(RECORD)] })).toEqual({ value: RECORD, exceeded: false });
    expect(reading(JSON.stringify(RECORD))).toEqual({ value: RECORD, exceeded: false });
    expect(reading(JSON.stringify({ content: [text(RECORD)] }))).toEqual({ value: RECORD, exceeded: false });
    expect(reading({ content: [text(RECORD)], _meta: {} })).toEqual({
      value: { content: [text(RECORD)], _meta: {} },
      exceeded: false,
    });
  });
});
