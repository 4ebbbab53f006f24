import { type Facts, type LlmFacts, notePrompt, promptTextOf, redactMessages } from "@handlebar/engine";
import type { Decision, EventData, Message, Metrics } from "@handlebar/protocol";
import { capture, mergeRedactions } from "./capture.ts";
import { decideCall } from "./decide-call.ts";
import type { LlmDecision, LlmRequest, LlmResponse, LlmResponseDecision } from "./hook-types.ts";
import { costOf } from "./pricing.ts";
import { remoteQuestion } from "./remote-check.ts";
import type { RunCore } from "./run-core.ts";
import {
  describeError,
  hashFor,
  noteFinished,
  OFF,
  reporter,
  shownError,
  startCall,
  takeDurationMs,
} from "./tool-hooks.ts";
import { askUserFunctions } from "./user-functions.ts";

/** Decides whether a request may go to a model, and with which messages. */
export async function beforeLlm<TContext extends object>(
  core: RunCore<TContext>,
  request: LlmRequest,
): Promise<LlmDecision> {
  core.lifecycle.touch();
  const { runtime, config } = core.services;
  const startedMs = runtime.clock.monotonicMs();
  const callId = request.callId ?? runtime.newId();
  const model = request.model ?? core.model;
  recordMessages(core, request.messages);
  const llm: LlmFacts = { callId, model, messages: request.messages };
  const decision = config.enforceMode === "off" ? OFF : await decideLlm(core, "llm.before", { llm });
  core.conclude(decision);
  if (decision.verdict === "ALLOW") startCall(core, callId);
  core.writer.write("llm.decision", () => ({
    data: {
      ...decision,
      callId,
      ...(model === undefined ? {} : { model }),
      decisionMs: runtime.clock.monotonicMs() - startedMs,
    },
  }));
  const messages =
    decision.redactions === undefined
      ? request.messages
      : redactMessages(request.messages, decision.redactions, { hash: hashFor(core) }).value;
  return { ...decision, callId, messages };
}

/** Accounts for what a model answered and decides whether it may go on. */
export async function afterLlm<TContext extends object>(
  core: RunCore<TContext>,
  response: LlmResponse,
): Promise<LlmResponseDecision> {
  core.lifecycle.touch();
  const { runtime, config } = core.services;
  const callId = response.callId ?? runtime.newId();
  const model = response.model ?? core.model;
  const metrics = await llmMetrics(core, response, callId);
  const llm: LlmFacts = { callId, model, ...(response.response === undefined ? {} : { response: response.response }) };
  noteFinished(core, { ...core.facts("llm.after"), llm, metrics });
  const decision = config.enforceMode === "off" ? OFF : await decideLlm(core, "llm.after", { llm, metrics });
  core.conclude(decision);
  const message = decision.verdict === "BLOCK" ? undefined : redactedMessage(core, response.response, decision);
  core.writer.write("llm.result", () => ({
    data: {
      callId,
      outcome: response.error === undefined ? "success" : "error",
      metrics: { ...metrics },
      ...(model === undefined ? {} : { model }),
      ...(response.error === undefined
        ? {}
        : { error: shownError(describeError(response.error), config.capture.results) }),
      ...(decision.evaluatedRules.length === 0 && decision.verdict === "ALLOW" ? {} : { decision }),
    },
  }));
  if (message !== undefined) recordMessages(core, [message]);
  return { ...decision, response: message };
}

function decideLlm<TContext extends object>(
  core: RunCore<TContext>,
  phase: "llm.before" | "llm.after",
  question: { readonly llm: LlmFacts; readonly metrics?: Metrics },
): Promise<Decision> {
  const { llm, metrics } = question;
  const view = core.view(phase, { tool: undefined, args: llm.messages, result: llm.response });
  const messages = llm.messages ?? (llm.response === undefined ? undefined : [llm.response]);
  return decideCall(core.services, {
    facts: (extra): Facts => ({ ...core.facts(phase), llm, metrics, ...extra }),
    askUser: (needs) => askUserFunctions({ ...core.services, report: reporter(core) }, needs, view),
    askRemote: remoteQuestion(core, {
      phase,
      ...(metrics === undefined ? {} : { metrics }),
      llm: {
        callId: llm.callId,
        ...(llm.model === undefined ? {} : { model: llm.model }),
        ...(messages === undefined ? {} : { messages: [...messages] }),
      },
    }),
    // A model call cannot wait for a person: there is no tool and no argument that an answer could be bound to.
    hold: () => Promise.resolve("unavailable"),
  });
}

async function llmMetrics<TContext extends object>(
  core: RunCore<TContext>,
  response: LlmResponse,
  callId: string,
): Promise<Metrics> {
  const { runtime, prices } = core.services;
  const usage = response.usage ?? {};
  const model = response.model ?? core.model;
  const cost = costOf(await prices(), { model, usage, atMs: runtime.clock.nowMs() });
  return {
    duration_ms: response.durationMs ?? takeDurationMs(core, callId),
    ...(usage.inputTokens === undefined ? {} : { llm_tokens_in: usage.inputTokens }),
    ...(usage.outputTokens === undefined ? {} : { llm_tokens_out: usage.outputTokens }),
    ...(cost === undefined ? {} : { llm_cost_usd: cost }),
  };
}

/** Records messages that were not recorded before and tells the policies what the user and the developer wrote. */
function recordMessages<TContext extends object>(core: RunCore<TContext>, messages: readonly Message[]): void {
  const { config, runtime, state } = core.services;
  for (const message of core.messages.unseen(messages)) {
    const prompt = promptTextOf(message);
    if (prompt !== undefined) notePrompt(state.set, core.state, prompt);
    core.writer.write("message.raw.created", () => {
      const shown = capture("content", message.content, config.capture.messages);
      // Capture keeps the shape of what it masks; a message without content stays out of the record.
      const content = shown.value as EventData<"message.raw.created">["content"] | undefined;
      return {
        data: { messageId: runtime.newId(), role: message.role, content: content ?? "" },
        redaction: mergeRedactions([shown]),
      };
    });
  }
}

function redactedMessage<TContext extends object>(
  core: RunCore<TContext>,
  message: Message | undefined,
  decision: Decision,
): Message | undefined {
  if (message === undefined || decision.redactions === undefined) return message;
  const [first] = redactMessages([message], decision.redactions, { hash: hashFor(core) }).value;
  return first;
}
