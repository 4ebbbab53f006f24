import { parentPort, workerData } from "node:worker_threads";
import { createReplay } from "@handlebar/policies";
import { type AuditEvent, HandlebarError } from "@handlebar/protocol";
import type { ReplayThreadAnswer, ReplayThreadData, ReplayThreadRequest } from "./replay-thread.ts";

// `replay-thread.ts` starts this file as a thread, with what to replay by.
const { policies, tools, failClosed } = workerData as ReplayThreadData;
const replay = createReplay(policies, { tools, failClosed });

function answer(request: ReplayThreadRequest): ReplayThreadAnswer {
  if (request.kind === "finish") return { kind: "report", report: replay.report() };
  const place = request.isLeadIn ? "lead-in" : undefined;
  // Only events that were checked against their schema are stored.
  for (const text of request.texts) replay.feedEvent(JSON.parse(text) as AuditEvent, place);
  return { kind: "fed" };
}

function answerOrFail(request: ReplayThreadRequest): ReplayThreadAnswer {
  try {
    return answer(request);
  } catch (error) {
    const code = HandlebarError.is(error) ? error.code : undefined;
    return { kind: "failed", code, message: error instanceof Error ? error.message : String(error) };
  }
}

parentPort?.on("message", (request: ReplayThreadRequest) => parentPort?.postMessage(answerOrFail(request)));
