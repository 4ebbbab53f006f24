import type { ApprovalAnswer, ApprovalRequest, JsonValue } from "@handlebar/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fingerprint } from "./fingerprint.ts";
import { LocalApprovals } from "./local-approvals.ts";
import { defaultRuntime } from "./runtime.ts";

type Step =
  | { readonly do: "claim"; readonly run: number; readonly args: JsonValue; readonly again: boolean }
  | { readonly do: "answer"; readonly status: "approved" | "denied"; readonly args?: JsonValue }
  | { readonly do: "fail" }
  | { readonly do: "wait"; readonly ms: number };

const EXPIRES_MS = 60_000;
const ARGS: readonly JsonValue[] = [{ amount: 1 }, { amount: 2 }];

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    arbitrary: fc.record({
      do: fc.constant("claim" as const),
      run: fc.integer({ min: 1, max: 3 }),
      args: fc.constantFrom(...ARGS),
      again: fc.boolean(),
    }),
    weight: 6,
  },
  {
    arbitrary: fc.record(
      {
        do: fc.constant("answer" as const),
        status: fc.constantFrom("approved" as const, "approved" as const, "denied" as const),
        args: fc.constantFrom(...ARGS),
      },
      { requiredKeys: ["do", "status"] },
    ),
    weight: 5,
  },
  { arbitrary: fc.constant({ do: "fail" as const }), weight: 1 },
  { arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1, 31_000, 61_000) }), weight: 1 },
);

function fingerprintOf(args: JsonValue): string {
  return fingerprint({ agent: "bank", tool: "wire", args, actor: undefined }) ?? "";
}

/** Whatever waits for nothing but other promises has gone on. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A desk with people behind it, and what it let through. */
class Office {
  readonly granted: { readonly approvalId: string; readonly fingerprint: string }[] = [];
  /** How often people approved each call. */
  readonly approvedCount = new Map<string, number>();
  readonly #asked: { readonly request: ApprovalRequest; readonly settle: (answer?: ApprovalAnswer) => void }[] = [];
  readonly #desk: LocalApprovals;
  #nowMs = 1_700_000_000_000;
  #last: ApprovalRequest | undefined;
  #idCount = 0;

  constructor() {
    const runtime = defaultRuntime({
      clock: { nowMs: () => this.#nowMs, monotonicMs: () => this.#nowMs },
      timers: { set: () => ({ cancel: () => undefined }) },
      newId: () => `edited-${++this.#idCount}`,
    });
    this.#desk = new LocalApprovals(runtime, (request) => {
      return new Promise((resolve, reject) => {
        const fail = (): void => reject(new Error("out of reach"));
        this.#asked.push({ request, settle: (answer) => (answer === undefined ? fail() : resolve(answer)) });
      });
    });
  }

  async take(one: Step): Promise<void> {
    if (one.do === "wait") this.#nowMs += one.ms;
    else if (one.do === "claim") await this.#claim(one);
    else await this.#answer(one);
  }

  async #claim({ run, args, again }: Extract<Step, { readonly do: "claim" }>): Promise<void> {
    const request = again && this.#last !== undefined ? this.#last : this.#request(run, args);
    this.#last = request;
    const { approvalId, status } = await this.#desk.claim(request);
    if (status === "approved") this.granted.push({ approvalId, fingerprint: request.fingerprint });
    await settled();
  }

  async #answer(one: Extract<Step, { readonly do: "answer" | "fail" }>): Promise<void> {
    const question = this.#asked.shift();
    if (question === undefined) return;
    if (one.do === "fail") question.settle();
    else {
      const { do: _, ...answer } = one;
      const bound = answer.args === undefined ? question.request.fingerprint : fingerprintOf(answer.args);
      if (answer.status === "approved") this.approvedCount.set(bound, (this.approvedCount.get(bound) ?? 0) + 1);
      question.settle(answer);
    }
    await settled();
  }

  #request(run: number, args: JsonValue): ApprovalRequest {
    const bound = { agent: "bank", tool: "wire", args, fingerprint: fingerprintOf(args) };
    const rule = { ruleId: "r", policyId: "p", terms: { expiresInSeconds: EXPIRES_MS / 1_000 } };
    return { approvalId: `a${++this.#idCount}`, runId: `r${run}`, callId: "c", ...bound, ...rule };
  }
}

describe("approvals of this process, whichever runs ask and whatever people do", () => {
  it("let through no more calls than were approved, each approval once", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const office = new Office();
        for (const one of steps) await office.take(one);
        const ids = office.granted.map(({ approvalId }) => approvalId);
        expect(new Set(ids).size).toBe(ids.length);
        for (const args of ARGS) {
          const bound = fingerprintOf(args);
          const count = office.granted.filter((one) => one.fingerprint === bound).length;
          expect(count).toBeLessThanOrEqual(office.approvedCount.get(bound) ?? 0);
        }
      }),
      { numRuns: 200 },
    );
  });
});
