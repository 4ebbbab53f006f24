import type { SdkAnswer, SdkPart, SdkStream, SdkStreamPart } from "./sdk-shapes.ts";

/** Why an answer that no model gave ended, for logs. */
const RAW_REASON = "handlebar_denied";

/** An answer in a model's place that ends the SDK's loop without an exception: it says why and asks for nothing. */
export function closingAnswer(specificationVersion: string, text: string): SdkAnswer & { readonly warnings: [] } {
  return { content: [{ type: "text", text }], ...closingEnd(specificationVersion), warnings: [] };
}

/** The same as a stream. */
export function closingStream(specificationVersion: string, text: string): SdkStream {
  const parts: readonly SdkStreamPart[] = [
    { type: "stream-start", warnings: [] } as SdkStreamPart,
    ...textParts("handlebar", text),
    closingFinish(specificationVersion),
  ];
  return { stream: streamOf(parts) };
}

/** How a stream that was cut off ends. */
export function closingFinish(specificationVersion: string): SdkStreamPart {
  return { type: "finish", ...closingEnd(specificationVersion) };
}

export function textParts(id: string, text: string): readonly SdkStreamPart[] {
  return [
    { type: "text-start", id },
    { type: "text-delta", id, delta: text },
    { type: "text-end", id },
  ];
}

/** Version 2 of the provider interface says in one word and number what later versions say in objects. */
function closingEnd(specificationVersion: string): Pick<SdkAnswer, "finishReason" | "usage"> {
  if (specificationVersion === "v2")
    return { finishReason: "other", usage: { inputTokens: 0, outputTokens: 0, totalTokens: 0 } };
  return {
    finishReason: { unified: "other", raw: RAW_REASON },
    usage: {
      inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: 0, text: 0, reasoning: 0 },
    },
  };
}

/** What a model is said to have finished with when the calls it asked for were all taken out. */
export function withoutCalls(specificationVersion: string): unknown {
  return closingEnd(specificationVersion).finishReason;
}

function streamOf(parts: readonly SdkStreamPart[]): ReadableStream<SdkStreamPart> {
  let at = 0;
  return new ReadableStream<SdkStreamPart>({
    pull: (controller) => {
      const part = parts[at++];
      if (part === undefined) controller.close();
      else controller.enqueue(part);
    },
  });
}

export function isCall(part: SdkPart): boolean {
  return part.type === "tool-call" && part.providerExecuted !== true;
}
