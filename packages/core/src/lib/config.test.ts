import { HandlebarError } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { Handlebar } from "./client.ts";
import { resolveConfig } from "./config.ts";
import { defaultRuntime } from "./runtime.ts";

const env = (values: Readonly<Record<string, string>>) => defaultRuntime({ env: (name) => values[name] });
const base = { agent: { slug: "support" }, policies: [] };

function errorOf(config: object): HandlebarError {
  try {
    Handlebar.init({ ...base, runtime: { env: () => undefined }, enforceMode: "off", ...config } as never);
  } catch (error) {
    if (HandlebarError.is(error)) return error;
    throw error;
  }
  return expect.fail("init did not throw");
}

describe("a wrong configuration", () => {
  it.each([
    ["agent", { agent: undefined }],
    ["agent.slug", { agent: {} }],
    ["agent.slug", { agent: { slug: "" } }],
    ["agent.tags[0]", { agent: { slug: "a", tags: [" x"] } }],
    ["actor.externalId", { actor: {} }],
    ["actor.metadata.tier", { actor: { externalId: "u", metadata: { tier: 3 } } }],
    ["tools[0].name", { tools: [{}] }],
    ["tools[0].classification", { tools: [{ name: "a", classification: "secret" }] }],
    ["policies[0].rules", { policies: [{ name: "p" }] }],
    [
      "policies[0].rules[0].effect.type",
      { policies: [{ name: "p", rules: [{ name: "r", on: "tool.before", effect: { type: "deny" } }] }] },
    ],
    ["apiKey", { apiKey: 7 }],
    ["endpoint", { endpoint: "api.example.com" }],
    ["endpoint", { endpoint: "ftp://example.com" }],
    ["enforceMode", { enforceMode: "observe" }],
    ["failClosed", { failClosed: "yes" }],
    ["evaluation", { evaluation: "server" }],
    ["sinks[0]", { sinks: [{ emit: () => undefined }] }],
    ["context", { context: "x" }],
    ["capture.args", { capture: { args: "all" } }],
    ["metrics", { metrics: 5 }],
    ["subjects", { subjects: {} }],
    ["signals.risk", { signals: { risk: 0.5 } }],
    ["customConditions.mine", { customConditions: { mine: true } }],
    ["onApproval", { onApproval: "ask" }],
    ["approvalWaitMs", { approvalWaitMs: -1 }],
    ["prices", { prices: {} }],
    ["logger", { logger: "console" }],
    ["runtime", { runtime: 1 }],
    ["initTimeoutMs", { initTimeoutMs: Number.NaN }],
    ["requestTimeoutMs", { requestTimeoutMs: 0 }],
    ["staleAfterMs", { staleAfterMs: "5m" }],
    ["userFunctionTimeoutMs", { userFunctionTimeoutMs: Number.POSITIVE_INFINITY }],
    ["runTtlMs", { runTtlMs: 0 }],
    ["idleTtlMs", { idleTtlMs: -5 }],
    ["flushTimeoutMs", { flushTimeoutMs: null }],
    ["handleSignals", { handleSignals: 1 }],
  ])("names `%s`", (field, config) => {
    const error = errorOf(config);
    expect(error.field).toBe(field);
    expect(error.message).toContain(`\`${field}\``);
    expect(error.code).toMatch(field.startsWith("policies") ? /^HB_POLICY_INVALID$/ : /^HB_CONFIG_INVALID$/);
  });

  it("says which field was meant", () => {
    const error = errorOf({ failClose: true });
    expect([error.code, error.field]).toEqual(["HB_CONFIG_UNKNOWN_FIELD", "failClose"]);
    expect(error.message).toContain("did you mean `failClosed`?");
  });

  it("is refused whole when a policy cannot be compiled", () => {
    const rule = { name: "r", on: "tool.before", effect: { type: "block" } };
    const when = { kind: "toolArg", path: "a", type: "string", op: "matches", value: "(?=x)" };
    expect(errorOf({ policies: [{ name: "p", rules: [{ ...rule, when }] }] }).code).toBe("HB_POLICY_REGEX_INVALID");
    expect(errorOf({ policies: [{ name: "p", rules: [rule, rule] }] }).code).toBe("HB_POLICY_DUPLICATE_ID");
    const expr = { kind: "expr", lang: "cel", src: "true" };
    expect(errorOf({ policies: [{ name: "p", rules: [{ ...rule, when: expr }] }] }).code).toBe(
      "HB_POLICY_EXPR_NOT_PREPARED",
    );
  });

  it("names the fields of a run", () => {
    const hb = Handlebar.init({ ...base, enforceMode: "off" });
    for (const [field, config] of [
      ["runId", { runId: "" }],
      ["sessionId", { sessionId: 4 }],
      ["actor.externalId", { actor: {} }],
      ["tags.env", { tags: { env: 1 } }],
      ["context", { context: [] }],
      ["runTtlMs", { runTtlMs: 0 }],
      ["snapshot.version", { snapshot: { runId: "r", startedAtMs: 0, nextSeq: 0, nextStep: 0, state: {} } }],
    ] as const) {
      expect(() => hb.startRun(config as never)).toThrow(
        new RegExp(`HB_RUN_CONFIG_INVALID: \`${field.replace(".", "\\.")}\``),
      );
    }
  });
});

describe("defaults", () => {
  it("come from the option, then the environment, then the default", () => {
    const values = { HANDLEBAR_API_KEY: "env-key", HANDLEBAR_API_ENDPOINT: "https://own.example/" };
    expect(resolveConfig(base, env({}))).toMatchObject({
      endpoint: "https://api.gethandlebar.com",
      apiKey: undefined,
      failClosed: false,
      enforceMode: "enforce",
      capture: { messages: "redacted", args: "redacted", results: "redacted" },
    });
    expect(resolveConfig(base, env(values))).toMatchObject({ endpoint: "https://own.example", apiKey: "env-key" });
    expect(resolveConfig({ ...base, apiKey: "own", endpoint: "http://localhost:1" }, env(values))).toMatchObject({
      endpoint: "http://localhost:1",
      apiKey: "own",
    });
    expect(() => resolveConfig(base, env({ HANDLEBAR_API_ENDPOINT: "nonsense" }))).toThrow(
      /HANDLEBAR_API_ENDPOINT: `nonsense`/,
    );
  });

  it("warns once when nothing is governed, and throws instead with failClosed", () => {
    const warnings: string[] = [];
    const logger = { warn: (message: string) => void warnings.push(message), error: () => undefined };
    Handlebar.init({ ...base, logger, runtime: { env: () => undefined } });
    expect(warnings).toEqual([expect.stringContaining("HB_CONFIG_NOTHING_GOVERNED")]);
    expect(() => Handlebar.init({ ...base, failClosed: true, runtime: { env: () => undefined } })).toThrow(
      /HB_CONFIG_NOTHING_GOVERNED: .*; set HANDLEBAR_API_KEY or pass `policies`/,
    );
  });
});
