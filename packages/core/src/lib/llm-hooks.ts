import { type LlmFacts, notePrompt, promptTextOf, readsMetrics, redactMessages } from "@handlebar/engine";
import type { Decision, EventData, Message, Metrics } from "@handlebar/protocol";
import { capture, mergeRedactions } from "./capture.ts";
import { decideCall } from "./decide-call.ts";
import { decidedBy, recorded } from "./decided-by.ts";
import { describeError, noteFinished } from "./finished-call.ts";
import type { LlmDecision, LlmRequest, LlmResponse, LlmResponseDecision } from "./hook-types.ts";
import { costOf, type PriceSource } from "./pricing.ts";
import { remoteQuestion } from "./remote-check.ts";
import type { RunCore } from "./run-core.ts";
import { shownError } from "./tool-events.ts";
import { OFF } from "./tool-hooks.ts";
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
  const decided = config.enforceMode === "off" ? OFF : decideLlm(core, "llm.before", { llm });
  const decision = decided instanceof Promise ? await decided : decided;
  const by = decidedBy(core);
  core.conclude(decision);
  if (decision.verdict === "ALLOW") core.callTimes.start(callId);
  core.writer.write("llm.decision", () => ({
    data: {
      ...decision,
      callId,
      ...(model === undefined ? {} : { model }),
      ...by,
      decisionMs: runtime.clock.monotonicMs() - startedMs,
    },
  }));
  const messages =
    decision.redactions === undefined
      ? request.messages
      : redactMessages(request.messages, decision.redactions, { hash: core.hash }).value;
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
  const durationMs = response.durationMs ?? core.callTimes.takeDurationMs(callId);
  const llm: LlmFacts = { callId, model, response: response.response };
  let metrics: Metrics = {};
  if (core.tellsMetrics || readsMetrics(core.services.state.set, core.facts("llm.after", { llm }))) {
    const prices = core.services.prices();
    metrics = llmMetrics(core, { ...response, durationMs }, prices instanceof Promise ? await prices : prices);
  }
  noteFinished(core, core.facts("llm.after", { llm, metrics }));
  const decided = config.enforceMode === "off" ? OFF : decideLlm(core, "llm.after", { llm, metrics });
  const decision = decided instanceof Promise ? await decided : decided;
  const by = decidedBy(core);
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
      ...recorded(decision, by),
    },
  }));
  if (message !== undefined) recordMessages(core, [message]);
  return { ...decision, response: message };
}

function decideLlm<TContext extends object>(
  core: RunCore<TContext>,
  phase: "llm.before" | "llm.after",
  question: { readonly llm: LlmFacts; readonly metrics?: Metrics },
): Decision | Promise<Decision> {
  const { llm, metrics } = question;
  const messages = llm.messages ?? (llm.response === undefined ? undefined : [llm.response]);
  return decideCall(core.services, {
    facts: (extra) => core.facts(phase, { llm, metrics, ...extra }),
    askUser: (needs) => {
      const view = core.view(phase, { tool: undefined, args: llm.messages, result: llm.response });
      return askUserFunctions(core.asking, needs, view);
    },
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

function llmMetrics<TContext extends object>(
  core: RunCore<TContext>,
  response: LlmResponse & { readonly durationMs: number },
  prices: readonly PriceSource[],
): Metrics {
  const usage = response.usage ?? {};
  const model = response.model ?? core.model;
  const cost = costOf(prices, { model, usage, atMs: core.services.runtime.clock.nowMs() });
  return {
    duration_ms: response.durationMs,
    ...(usage.inputTokens === undefined ? {} : { llm_tokens_in: usage.inputTokens }),
    ...(usage.outputTokens === undefined ? {} : { llm_tokens_out: usage.outputTokens }),
    ...(cost === undefined ? {} : { llm_cost_usd: cost }),
  };
}

/** Records messages that were not recorded before and tells the policies what the user and the developer wrote. */
function recordMessages<TContext extends object>(core: RunCore<TContext>, messages: readonly Message[]): void {
  const { config, emit, runtime, state } = core.services;
  // Where nobody is given the events, what agents and tools say is not looked at.
  const asked = emit === undefined ? messages.filter(({ role }) => role === "user" || role === "system") : messages;
  if (asked.length === 0) return;
  for (const message of core.messages.unseen(asked)) {
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
  const [first] = redactMessages([message], decision.redactions, { hash: core.hash }).value;
  return first;
}
