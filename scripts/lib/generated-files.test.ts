import { readFileSync } from "node:fs";
import { join } from "node:path";
import { auditEventSchema, EVENT_KINDS } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { eventJsonSchema } from "./event-json-schema.ts";
import { generatedFiles } from "./generated-files.ts";
import { isValid } from "./json-schema-validator.ts";

const ROOT = join(import.meta.dirname, "../..");

describe("generated files", () => {
  it.each([...generatedFiles()])("%s is what the protocol says", (path, text) => {
    const current = readFileSync(join(ROOT, path), "utf8");
    expect(current === text, "run scripts/generate-schemas.ts").toBe(true);
  });
});

describe("the JSON Schema of audit events", () => {
  const schema = eventJsonSchema();
  const event = {
    schema: "handlebar.audit.v1",
    eventId: "01933b3a-7c00-7000-8000-000000000000",
    seq: 0,
    ts: "2026-01-31T09:00:00.000Z",
    agentId: "support",
    runId: "run",
    kind: "run.ended",
    data: { status: "success", steps: 3, metrics: { llm_cost_usd: 0.1 } },
  };

  it("has a definition for each kind", () => {
    expect(schema.oneOf?.map((option) => option.$ref)).toEqual(EVENT_KINDS.map((kind) => `#/$defs/Event.${kind}`));
  });

  it.each<[string, object]>([
    ["an event", event],
    ["an event of a kind that does not exist", { ...event, kind: "run.stopped" }],
    ["an event with a field that does not exist", { ...event, user: "u" }],
    ["an event with the data of another kind", { ...event, kind: "policy.applied" }],
    ["an event without its data", { ...event, data: undefined }],
    ["a metric with a name that cannot be used", { ...event, data: { ...event.data, metrics: { Cost: 1 } } }],
    ["a redaction", { ...event, redaction: { findings: { email: 2 }, truncated: {}, omitted: ["context"] } }],
  ])("agrees with the protocol on %s", (_what, value) => {
    const plain: unknown = JSON.parse(JSON.stringify(value));
    expect(isValid(schema, plain)).toBe(auditEventSchema.safeParse(plain).success);
  });
});
