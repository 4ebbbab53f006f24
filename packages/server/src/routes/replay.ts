import {
  ERROR_CODES,
  HandlebarError,
  type ReplayAnswer,
  type ReplayMessage,
  replayAnswerSchema,
  replayMessageSchema,
  replayPoliciesBodySchema,
} from "@handlebar/protocol";
import { POLICY_BODY_SIZE_BYTES_MAX, STREAM_BUFFER_SIZE_BYTES_MAX } from "../limits.ts";
import type { FrameSink } from "../services/frame-sink.ts";
import { ServiceProblem } from "../services/problem.ts";
import type { OpenReplay, ReplayOutcome, ReplayProgress } from "../services/replays-service.ts";
import type { Services } from "../services/services.ts";
import { defineRoute, type Route } from "./route.ts";
import { timeText } from "./time-text.ts";

/** What a candidate would have answered to what was recorded. */
export function replayRoutes({ replays }: Pick<Services, "replays">): readonly Route[] {
  return [
    defineRoute({
      method: "POST",
      path: "/v1/policies/replay",
      operationId: "replayPolicies",
      summary:
        "Decides recorded events again by other policies; a stream of progress where `text/event-stream` is accepted, else the report. Closing it cancels",
      tag: "Policies",
      scope: "read",
      body: replayPoliciesBodySchema,
      bodySizeBytesMax: POLICY_BODY_SIZE_BYTES_MAX,
      answers: {
        200: { description: "What was found", schema: replayAnswerSchema, events: replayMessageSchema },
      },
      handle: async ({ principal, body, headers, signal }) => {
        const replay = await replays.open(principal.workspaceId, body);
        if (headers.get("accept")?.includes("text/event-stream") === true) {
          return {
            stream: (sink) => {
              void sendAll(replay, sink);
              return () => replay.cancel();
            },
          };
        }
        signal.addEventListener("abort", () => replay.cancel(), { once: true });
        return { status: 200, body: answerOf(await replay.run(() => undefined)) };
      },
    }),
  ];
}

async function sendAll(replay: OpenReplay, sink: FrameSink): Promise<void> {
  const send = (message: ReplayMessage): void => {
    sink.write(`event: ${message.kind}\ndata: ${JSON.stringify(message)}\n\n`);
  };
  try {
    const outcome = await replay.run((progress) => {
      // Whoever reads slowly needs no older progress.
      if (sink.waitingSizeBytes < STREAM_BUFFER_SIZE_BYTES_MAX / 2) send(progressOf(progress));
    });
    send({ kind: "report", ...answerOf(outcome) });
  } catch (error) {
    send(failureOf(error));
  }
  sink.end();
}

function progressOf({ eventCount: events, throughMs, share }: ReplayProgress): ReplayMessage {
  return { kind: "progress", events, ...(throughMs === undefined ? {} : { through: timeText(throughMs) }), share };
}

function answerOf({ range: { sinceMs, untilMs }, leadInCount, report }: ReplayOutcome): ReplayAnswer {
  return {
    since: timeText(sinceMs),
    until: timeText(untilMs),
    leadInEvents: leadInCount,
    // The same form, read-only.
    report: report as ReplayAnswer["report"],
  };
}

function failureOf(error: unknown): ReplayMessage {
  if (error instanceof ServiceProblem) return { kind: "failed", code: error.code, message: error.message };
  const code = HandlebarError.is(error) ? error.code : "HB_SERVER_FAILED";
  return { kind: "failed", code, message: ERROR_CODES[code].meaning };
}
