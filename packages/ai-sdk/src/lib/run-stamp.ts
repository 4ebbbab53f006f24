import { isObject, type SdkMessage, type SdkPart } from "./sdk-shapes.ts";

const NAMESPACE = "handlebar";
const RUN_ID_LENGTH_MAX = 256;

/**
 * Writes the run's id on the calls of an answer, so that whoever goes on with the messages after a pause finds the run. The SDK
 * keeps it with the call, in histories and in the messages of a user interface alike.
 */
export function stampRunId(content: readonly (SdkPart | undefined)[], runId: string): readonly (SdkPart | undefined)[] {
  if (!content.some((part) => part?.type === "tool-call")) return content;
  return content.map((part) =>
    part?.type === "tool-call"
      ? { ...part, providerMetadata: { ...part.providerMetadata, [NAMESPACE]: { runId } } }
      : part,
  );
}

/** The prompt as a provider would have got it without us. */
export function withoutStamps(prompt: readonly SdkMessage[]): readonly SdkMessage[] {
  if (!prompt.some(hasStamp)) return prompt;
  return prompt.map((message) => {
    if (!hasStamp(message) || typeof message.content === "string") return message;
    return { ...message, content: message.content.map(withoutStamp) };
  });
}

function hasStamp({ content }: SdkMessage): boolean {
  return typeof content !== "string" && content.some((part) => isStamped(part));
}

function isStamped({ providerOptions }: SdkPart): boolean {
  return providerOptions !== undefined && Object.hasOwn(providerOptions, NAMESPACE);
}

function withoutStamp(part: SdkPart): SdkPart {
  if (!isStamped(part) || part.providerOptions === undefined) return part;
  const { [NAMESPACE]: _, ...rest } = part.providerOptions;
  const { providerOptions: __, ...bare } = part;
  return Object.keys(rest).length === 0 ? bare : { ...bare, providerOptions: rest };
}

/**
 * The id of the run that paused, where the messages end with an answer to an approval request. Messages come from anywhere, so the
 * id is a claim: see `resumeRun`.
 */
export function stampedRunId(messages: unknown): string | undefined {
  if (!Array.isArray(messages) || !isApprovalAnswer(messages.at(-1))) return undefined;
  for (const message of messages.toReversed()) {
    const content: unknown = isObject(message) && message["role"] === "assistant" ? message["content"] : undefined;
    if (!Array.isArray(content)) continue;
    for (const part of content) {
      const runId = readStamp(part);
      if (runId !== undefined) return runId;
    }
    return undefined;
  }
  return undefined;
}

function isApprovalAnswer(message: unknown): boolean {
  if (!isObject(message) || message["role"] !== "tool" || !Array.isArray(message["content"])) return false;
  return message["content"].some((part: unknown) => isObject(part) && part["type"] === "tool-approval-response");
}

function readStamp(part: unknown): string | undefined {
  if (!isObject(part) || part["type"] !== "tool-call" || !isObject(part["providerOptions"])) return undefined;
  const stamp = part["providerOptions"][NAMESPACE];
  const runId = isObject(stamp) ? stamp["runId"] : undefined;
  return typeof runId === "string" && runId.length > 0 && runId.length <= RUN_ID_LENGTH_MAX ? runId : undefined;
}
