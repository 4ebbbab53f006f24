import type { ApprovalAnswer, ApprovalRequest, ApprovalTerms, JsonValue } from "@handlebar/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ApprovalRecord } from "../storage/approvals-table.ts";
import { answerApproval, cancelApproval, claimApproval, isStanding, withExpiry } from "./approval-rules.ts";
import { callFingerprint } from "./call-fingerprint.ts";
import { ServiceProblem } from "./problem.ts";

const ACTOR = { externalId: "eve" };
const START_MS = 1_700_000_000_000;
const EXPIRES_MS = 60_000;
const OWN = { amount: 900 };
const ARGS: readonly JsonValue[] = [OWN, { amount: 400 }, { amount: 300 }];
const NAMES = ["ada", "bob", "cy", "eve"] as const;

type Step =
  | { readonly do: "answer"; readonly status: "approved" | "denied"; readonly by?: string; readonly args?: JsonValue }
  | { readonly do: "claim"; readonly approvalId: string; readonly args: JsonValue; readonly runId: string }
  | { readonly do: "cancel" }
  | { readonly do: "wait"; readonly ms: number };

const someTerms: fc.Arbitrary<ApprovalTerms> = fc.record(
  {
    approvalsNeeded: fc.integer({ min: 1, max: 3 }),
    approvers: fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1 }),
    notRequester: fc.boolean(),
  },
  { requiredKeys: [] },
);

const terms = fc.oneof(fc.constant<ApprovalTerms>({}), someTerms);

const answer = fc.record(
  {
    do: fc.constant("answer" as const),
    status: fc.oneof(
      { arbitrary: fc.constant("approved" as const), weight: 6 },
      { arbitrary: fc.constant("denied" as const), weight: 1 },
    ),
    by: fc.constantFrom(...NAMES),
    args: fc.constantFrom(OWN, OWN, ...ARGS),
  },
  { requiredKeys: ["do", "status"] },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: answer, weight: 6 },
  {
    arbitrary: fc.record({
      do: fc.constant("claim" as const),
      approvalId: fc.oneof(
        fc.constantFrom("a1", "a2"),
        fc.integer({ min: 1, max: 40 }).map((n) => `a${n}`),
      ),
      args: fc.constantFrom(OWN, OWN, ...ARGS),
      runId: fc.constantFrom("r1", "r2", "r3"),
    }),
    weight: 6,
  },
  { arbitrary: fc.record({ do: fc.constant("cancel" as const) }), weight: 1 },
  {
    arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1, 1_000, 31_000, 61_000) }),
    weight: 2,
  },
);

function fingerprintOf(args: JsonValue): string {
  return callFingerprint({ agent: "bank", tool: "wire", args, actor: ACTOR }) ?? "";
}

function request(approvalId: string, args: JsonValue, runId: string, given: ApprovalTerms): ApprovalRequest {
  const bound = { fingerprint: fingerprintOf(args), agent: "bank", tool: "wire", args, actor: ACTOR };
  const rule = { ruleId: "r", policyId: "p", terms: { ...given, expiresInSeconds: EXPIRES_MS / 1_000 } };
  return { approvalId, runId, callId: "c", ...bound, ...rule };
}

/** What a store does with the rules, without one. */
class Desk {
  nowMs = START_MS;
  readonly records: ApprovalRecord[] = [];
  /** What was let through: the request, the call, and when. */
  readonly granted: {
    readonly approvalId: string;
    readonly runId: string;
    readonly record: ApprovalRecord;
    readonly repeated: boolean;
  }[] = [];
  /** Every claim that was not let through: whether a person is asked, or has said no. */
  readonly refused: { readonly record: ApprovalRecord; readonly atMs: number; readonly opened: boolean }[] = [];
  readonly #terms: ApprovalTerms;
  #idCount = 0;

  constructor(given: ApprovalTerms) {
    this.#terms = given;
  }

  take(one: Step): void {
    try {
      this.#take(one);
    } catch (error) {
      if (!(error instanceof ServiceProblem)) throw error;
    }
  }

  #take(one: Step): void {
    const { nowMs } = this;
    if (one.do === "wait") this.nowMs += one.ms;
    else if (one.do === "claim") this.#claim(one);
    else {
      const at = this.records.findLastIndex(({ approval }) => approval.status === "pending");
      const record = this.records[at];
      if (record === undefined) return;
      if (one.do === "cancel") {
        this.records[at] = cancelApproval(record, { nowMs });
        return;
      }
      const { do: _, ...given } = one;
      const hand = { nowMs, keyId: "people", newId: () => `edited-${++this.#idCount}` };
      const { record: after, opened } = answerApproval(record, given as ApprovalAnswer, hand);
      this.records[at] = after;
      if (opened !== undefined) this.records.push(opened);
    }
  }

  #claim({ approvalId, args, runId }: Extract<Step, { readonly do: "claim" }>): void {
    const asked = request(approvalId, args, runId, this.#terms);
    const known = this.records.filter(
      ({ approval }) => approval.approvalId === approvalId || approval.fingerprint === asked.fingerprint,
    );
    const hand = { nowMs: this.nowMs, keyId: "agent" };
    const claim = { workspaceId: "w", request: asked, hand };
    const record = claimApproval(known, claim);
    const at = this.records.findIndex(({ approval }) => approval.approvalId === record.approval.approvalId);
    const repeated = at >= 0 && this.records[at]?.takenBy !== undefined;
    if (at < 0) this.records.push(record);
    else this.records[at] = record;
    expect(record.approval.fingerprint).toBe(asked.fingerprint);
    if (record.approval.status === "approved") this.granted.push({ approvalId, runId, record, repeated });
    else this.refused.push({ record, atMs: this.nowMs, opened: at < 0 });
  }
}

function eligible({ approvers, notRequester }: ApprovalTerms, by: string): boolean {
  return (approvers?.includes(by as "ada") ?? true) && !(notRequester === true && (by === "" || by === "eve"));
}

describe("approvals, whatever happens to them in whatever order", () => {
  it("are approved by as many eligible people as their terms ask for, of the same arguments, and no denial", () => {
    fc.assert(
      fc.property(terms, fc.array(step, { maxLength: 40 }), (given, steps) => {
        const desk = new Desk(given);
        for (const one of steps) desk.take(one);
        for (const { approval, votes } of desk.records) {
          expect(votes.every(({ by }) => eligible(given, by))).toBe(true);
          expect(new Set(votes.map(({ by }) => by)).size).toBe(votes.length);
          if (approval.status !== "approved") continue;
          const isEdited = approval.editedFrom !== undefined;
          const agreeing = votes.filter(
            (vote) =>
              vote.status === "approved" && (vote.edited?.fingerprint ?? "") === (isEdited ? approval.fingerprint : ""),
          );
          expect(agreeing.length).toBeGreaterThanOrEqual(given.approvalsNeeded ?? 1);
          expect(votes.some(({ status }) => status === "denied")).toBe(false);
          expect(fingerprintOf(approval.args ?? null)).toBe(approval.fingerprint);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("are handed out once each, before they expire", () => {
    fc.assert(
      fc.property(terms, fc.array(step, { maxLength: 60 }), (given, steps) => {
        const desk = new Desk(given);
        for (const one of steps) desk.take(one);
        const first = desk.granted.filter(({ repeated }) => !repeated);
        const used = first.map(({ record }) => record.approval.approvalId);
        expect(first.map(({ record }) => record.approval.usedBy)).toEqual(
          first.map(({ runId }) => ({ runId, callId: "c" })),
        );
        expect(new Set(used).size).toBe(used.length);
        const takerOf = new Map(first.map(({ record, approvalId }) => [record.approval.approvalId, approvalId]));
        const usedAtOf = new Map(first.map(({ record }) => [record.approval.approvalId, record.approval.usedAt]));
        for (const { record, approvalId } of desk.granted) {
          // Sent again, a request gets what it took, and takes nothing anew.
          expect(record.approval.usedAt).toBe(usedAtOf.get(record.approval.approvalId));
          expect(record.takenBy).toBe(approvalId);
          expect(takerOf.get(record.approval.approvalId)).toBe(approvalId);
          expect(record.votes.some(({ status }) => status === "approved")).toBe(true);
          const { usedAt = "", expiresAt } = record.approval;
          expect(Date.parse(usedAt)).toBeLessThan(Date.parse(expiresAt));
        }
      }),
      { numRuns: 500 },
    );
  });

  it("ask people once for a call that is open, and a denial counts until its time is over, whichever run asks", () => {
    fc.assert(
      fc.property(terms, fc.array(step, { maxLength: 60 }), (given, steps) => {
        const desk = new Desk(given);
        for (const one of steps) {
          const before = [...desk.records];
          const count = desk.refused.length;
          desk.take(one);
          const [refused] = desk.refused.slice(count);
          if (refused === undefined) continue;
          const { record, atMs, opened } = refused;
          const { status, expiresAt, approvalId } = record.approval;
          const isSame = one.do === "claim" && one.approvalId === approvalId;
          if (status === "denied" && !isSame) expect(atMs).toBeLessThan(Date.parse(expiresAt));
          if (!opened) continue;
          const standing = before.filter(
            (other) => other.approval.fingerprint === record.approval.fingerprint && isStanding(other, atMs),
          );
          expect(standing).toEqual([]);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("never change once they are over", () => {
    fc.assert(
      fc.property(terms, fc.array(step, { maxLength: 40 }), (given, steps) => {
        const desk = new Desk(given);
        const over = new Map<string, string>();
        for (const one of steps) {
          desk.take(one);
          for (const record of desk.records) {
            const { approvalId, status } = withExpiry(record, desk.nowMs).approval;
            const before = over.get(approvalId);
            if (before !== undefined) expect([approvalId, status]).toEqual([approvalId, before]);
            const isOpen = status === "pending" || (status === "approved" && record.takenBy === undefined);
            if (!isOpen) over.set(approvalId, status);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
