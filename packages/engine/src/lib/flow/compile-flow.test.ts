import { type Flow, HandlebarError, type Policy } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { compile } from "../compile.ts";
import { createRunState } from "../create-run-state.ts";
import { policyOf, ruleOf } from "../facts.fixture.ts";
import { LABEL_COUNT_MAX } from "../limits.ts";
import { argFrom, flowPolicy } from "./flow.fixture.ts";
import { labelsOf, seedLabels, sessionLabelsOf } from "./session-labels.ts";

function failure(policies: readonly Policy[]): readonly [string, string | undefined] | undefined {
  try {
    compile(policies);
    return undefined;
  } catch (error) {
    if (error instanceof HandlebarError) return [error.code, error.field];
    throw error;
  }
}

const flowOf = (flow: Flow): Policy => policyOf([], { flow });

describe("what cannot be compiled", () => {
  it("names the source and field", () => {
    expect(failure([flowOf({ labels: ["a"], sources: [{ add: ["a"] }, { add: ["b"] }] })])).toEqual([
      "HB_POLICY_LABEL_UNKNOWN",
      "policies[0].flow.sources[1]",
    ]);
    expect(failure([flowOf({ sources: [{ fields: ["a", "b..c"], add: ["a"] }] })])).toEqual([
      "HB_POLICY_PATH_INVALID",
      "policies[0].flow.sources[0].fields[1]",
    ]);
    expect(
      failure([
        policyOf([ruleOf({ when: { kind: "label", anyOf: ["b"] } })], { flow: { labels: ["a"], sources: [] } }),
      ]),
    ).toEqual(["HB_POLICY_LABEL_UNKNOWN", "policies[0].rules[0].when"]);
  });

  it("is a source that asks what is not known when a result comes", () => {
    expect(
      failure([
        flowOf({ sources: [{ when: { kind: "signal", signal: "s", type: "any", op: "exists" }, add: ["a"] }] }),
      ]),
    ).toEqual(["HB_POLICY_INVALID", "policies[0].flow.sources[0].when"]);
    expect(failure([flowOf({ sources: [{ when: { kind: "custom", name: "f" }, add: ["a"] }] })])?.[0]).toBe(
      "HB_POLICY_INVALID",
    );
  });

  it("is trust that depends on where arguments came from", () => {
    const when = argFrom(["prompt"]);
    expect(failure([flowOf({ sources: [{ when, trust: "trusted" }] })])?.[0]).toBe("HB_POLICY_ARG_FROM_RELAXES");
    expect(failure([flowOf({ sources: [{ when, trust: "untrusted", add: ["a"] }] })])).toBeUndefined();
  });

  it("is more labels than fit one integer", () => {
    const many = (count: number): Policy[] =>
      Array.from({ length: count }, (_, at) =>
        policyOf([], { id: `p${at}`, flow: { sources: [{ add: [`l${at}`] }] } }),
      );
    expect(failure(many(LABEL_COUNT_MAX))).toBeUndefined();
    expect(failure(many(LABEL_COUNT_MAX + 1))?.[0]).toBe("HB_POLICY_LIMIT");
  });

  it("is `argFrom` where it would let a call through", () => {
    const allow = policyOf([ruleOf({ when: argFrom(["prompt"]), effect: { type: "allow" } })]);
    expect(failure([allow])).toEqual(["HB_POLICY_ARG_FROM_RELAXES", "policies[0].rules[0].when"]);
  });
});

describe("what is remembered", () => {
  it("is where values came from only when an enabled condition asks", () => {
    const asking = flowPolicy({ sources: [] }, argFrom(["untrusted"]));
    expect(compile([asking]).flow.tracksOrigins).toBe(true);
    expect(compile([{ ...asking, enabled: false }]).flow.tracksOrigins).toBe(false);
    expect(compile([flowPolicy({ sources: [] })]).flow.tracksOrigins).toBe(false);
    expect(compile([flowOf({ sources: [{ when: argFrom(["unseen"]), add: ["a"] }] })]).flow.tracksOrigins).toBe(true);
  });
});

describe("labels of a session", () => {
  it("are those of policies that keep them for it", () => {
    const agent = { slug: "support", tags: [] };
    const state = createRunState();
    const { flow } = compile([
      policyOf([], { id: "a", flow: { scope: "session", sources: [{ add: ["kept"] }] } }),
      policyOf([], { id: "b", flow: { sources: [{ add: ["dropped"] }] } }),
    ]);
    seedLabels(state.flow, ["dropped", "kept", "foreign"]);
    expect(labelsOf(state)).toEqual(["dropped", "kept", "foreign"]);
    expect(sessionLabelsOf(flow, agent, state)).toEqual(["kept"]);
  });
});
