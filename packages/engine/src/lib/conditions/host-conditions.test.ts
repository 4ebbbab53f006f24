import type { Condition, Subject } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { factsOf, outcomeFor } from "../facts.fixture.ts";
import { UNKNOWN, type Unknown } from "../facts.ts";
import { customKey } from "./host.ts";

describe("subject", () => {
  const subjects: readonly Subject[] = [
    { subjectType: "patient", value: "p1", role: "recipient" },
    { subjectType: "patient", value: "p2", idSystem: "nhs" },
    { subjectType: "order", value: "p3" },
  ];
  const ask = (change: object, found: readonly Subject[] | typeof UNKNOWN = subjects): string | undefined =>
    outcomeFor({ kind: "subject", subjectType: "patient", ...change } as Condition, factsOf({ subjects: found }));
  it("holds when one that fits does", () => {
    expect(ask({ op: "eq", value: "p2" })).toBe("true");
    expect(ask({ op: "eq", value: "p3" })).toBe("false");
    expect(ask({ op: "notIn", value: ["p1"] })).toBe("true");
    expect(ask({ op: "notIn", value: ["p1", "p2"] })).toBe("false");
    expect(ask({ role: "recipient", op: "eq", value: "p1" })).toBe("true");
    expect(ask({ role: "recipient", op: "eq", value: "p2" })).toBe("false");
    expect(ask({ idSystem: "nhs", op: "startsWith", value: "p" })).toBe("true");
  });
  it("is absent without one, and unknown when the extractor failed", () => {
    expect(ask({ op: "neq", value: "x" }, [])).toBe("false");
    expect(outcomeFor({ kind: "subject", subjectType: "patient", op: "neq", value: "x" }, factsOf())).toBe("false");
    expect(ask({ op: "neq", value: "x", onMissing: "match" }, [])).toBe("true");
    expect(ask({ op: "exists" })).toBe("true");
    expect(ask({ op: "absent" }, [])).toBe("true");
    expect(ask({ op: "absent" }, UNKNOWN)).toBe("unknown");
    expect(ask({ op: "eq", value: "p1" }, UNKNOWN)).toBe("unknown");
  });
});

describe("signal", () => {
  const ask = (change: object, value: unknown): string | undefined => {
    const signals = new Map([["risk", value as never]]);
    return outcomeFor({ kind: "signal", signal: "risk", ...change } as Condition, factsOf({ signals }));
  };
  it("compares what the user's function answered", () => {
    expect(
      [0.9, 0.1, "0.9", UNKNOWN, undefined, null].map((v) => ask({ type: "number", op: "gt", value: 0.5 }, v)),
    ).toEqual(["true", "false", "unknown", "unknown", "false", "false"]);
    expect([0, null, UNKNOWN].map((v) => ask({ type: "any", op: "exists" }, v))).toEqual(["true", "false", "unknown"]);
    expect(ask({ type: "boolean", op: "eq", value: true, onMissing: "unknown" }, undefined)).toBe("unknown");
    expect(ask({ type: "string", op: "matches", value: "^hi" }, "high")).toBe("true");
    expect(ask({ type: "array", op: "contains", value: "a" }, ["a"])).toBe("true");
  });
  it("is absent when nobody asked the function", () => {
    expect(outcomeFor({ kind: "signal", signal: "risk", type: "any", op: "absent" }, factsOf())).toBe("true");
  });
});

describe("custom", () => {
  const condition: Condition = { kind: "custom", name: "isBusinessDay", args: { b: 1, a: [2] } };
  const ask = (answer: boolean | Unknown): string | undefined =>
    outcomeFor(condition, factsOf({ customs: new Map([[customKey("isBusinessDay", { a: [2], b: 1 }), answer]]) }));
  it("asks the host, whatever the order of the arguments' keys", () => {
    expect([ask(true), ask(false), ask(UNKNOWN)]).toEqual(["true", "false", "unknown"]);
  });
  it("does not know without an answer", () => {
    expect(outcomeFor(condition, factsOf())).toBe("unknown");
    expect(customKey("a", undefined)).not.toBe(customKey("a", null));
  });
});

describe("sensitiveData", () => {
  const ask = (change: object, facts: ReturnType<typeof factsOf>): string | undefined =>
    outcomeFor({ kind: "sensitiveData", ...change } as Condition, facts);
  const mail = "write to ann@example.com";
  const args = factsOf({ call: { args: { to: "ann@example.com", cc: ["bob@example.com"], body: "hello" } } });
  it("looks at what the phase carries", () => {
    expect(ask({ detectors: ["email"] }, args)).toBe("true");
    expect(ask({ detectors: ["iban"] }, args)).toBe("false");
    expect(ask({}, args)).toBe("true");
    expect(ask({ detectors: ["email"] }, factsOf({ phase: "tool.after", call: { result: mail } }))).toBe("true");
    expect(ask({ detectors: ["email"] }, factsOf({ phase: "tool.after", call: { error: { message: mail } } }))).toBe(
      "true",
    );
    const messages = [{ role: "user", content: mail }] as const;
    expect(ask({ detectors: ["email"] }, factsOf({ phase: "llm.before", llm: { callId: "l", messages } }))).toBe(
      "true",
    );
    const response = { role: "assistant", content: [{ type: "text", text: mail }] } as never;
    expect(ask({ detectors: ["email"] }, factsOf({ phase: "llm.after", llm: { callId: "l", response } }))).toBe("true");
  });
  it("finds nothing where nothing is carried", () => {
    expect(ask({ in: "result" }, args)).toBe("false");
    expect(ask({ in: "messages" }, args)).toBe("false");
    expect(
      ask({ in: "args", detectors: ["email"] }, factsOf({ phase: "tool.after", call: { args: { to: "a@b.co" } } })),
    ).toBe("true");
  });
  it("counts, and looks below a path", () => {
    expect(ask({ detectors: ["email"], min: 2 }, args)).toBe("true");
    expect(ask({ detectors: ["email"], min: 3 }, args)).toBe("false");
    expect(ask({ detectors: ["email"], path: "cc[]" }, args)).toBe("true");
    expect(ask({ detectors: ["email"], path: "body" }, args)).toBe("false");
    expect(ask({ detectors: ["email"], path: "none" }, args)).toBe("false");
    expect(ask({ detectors: ["email"], path: "body.x" }, args)).toBe("unknown");
  });
  it("reads escapes in a result that is JSON text", () => {
    const hidden = factsOf({ phase: "tool.after", call: { result: '{"to": "ann\\u0040example.com"}' } });
    expect(ask({ detectors: ["email"] }, hidden)).toBe("true");
  });
  it("does not call clean what it could not read whole", () => {
    const cut = factsOf({ call: { args: { body: "hello" }, argsExceeded: true } });
    expect(ask({ detectors: ["email"] }, cut)).toBe("unknown");
    const long = factsOf({ call: { args: { body: "x ".repeat(200_000) } } });
    expect(ask({ detectors: ["email"] }, long)).toBe("unknown");
  });
  it("gives each message its own bounds", () => {
    const half = "x ".repeat(100_000);
    const many = (count: number): ReturnType<typeof factsOf> => {
      const messages = Array.from({ length: count }, () => ({ role: "user", content: half }) as const);
      return factsOf({ phase: "llm.before", llm: { callId: "l", messages } });
    };
    expect(ask({ detectors: ["email"] }, many(4))).toBe("false");
    expect(ask({ detectors: ["email"] }, many(30))).toBe("unknown");
  });
});
