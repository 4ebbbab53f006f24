import type { ModelRequest, StreamEvent } from "@openai/agents";
import type { ModelTurn } from "./model-turn.ts";

type Done = Extract<StreamEvent, { type: "response_done" }>;

/**
 * One streamed model call. Events pass as they come and the last, which the framework acts on, waits for the decisions; where
 * policy may change what the model said, no text passes before the whole of it was judged.
 */
export async function* streamTurn(
  turn: ModelTurn,
  send: (request: ModelRequest) => AsyncIterable<StreamEvent>,
): AsyncGenerator<StreamEvent> {
  const opened = await turn.open();
  if ("stopped" in opened) {
    yield* saying(turn, opened.stopped);
    return;
  }
  let isOpen = true;
  const { holdsText } = turn;
  try {
    const held: StreamEvent[] = [];
    for await (const event of send(opened.request)) {
      if (event.type !== "response_done") {
        if (holdsText && event.type !== "response_started") held.push(event);
        else yield event;
        continue;
      }
      isOpen = false;
      yield* closing(turn, event, held);
    }
  } catch (error) {
    if (!isOpen) throw error;
    isOpen = false;
    const stopped = await turn.fail(error);
    if (stopped === undefined) throw error;
    yield* saying(turn, stopped);
  } finally {
    // Whoever read the stream left it.
    if (isOpen) await turn.fail(new DOMException("the stream was left before its end", "AbortError"));
  }
}

async function* closing(turn: ModelTurn, done: Done, held: readonly StreamEvent[]): AsyncGenerator<StreamEvent> {
  const { response } = done;
  const { output } = await turn.close(response);
  if (turn.terminated && !turn.owesText) throw ended(turn.stopMessage);
  const isSame = textOf(output) === textOf(response.output);
  if (held.length > 0 && isSame) yield* held;
  if (held.length > 0 && !isSame) yield* deltas(textOf(output));
  // Output items are what the event is made of.
  yield output === response.output
    ? done
    : { ...done, response: { ...response, output: [...output] as Done["response"]["output"] } };
}

async function* saying(turn: ModelTurn, message: string): AsyncGenerator<StreamEvent> {
  if (turn.terminated && !turn.owesText) throw ended(message);
  const { output, usage } = turn.stop(message);
  yield { type: "response_started" };
  yield* deltas(textOf(output));
  yield {
    type: "response_done",
    response: {
      id: "handlebar",
      usage: { inputTokens: usage.inputTokens, outputTokens: usage.outputTokens, totalTokens: usage.totalTokens },
      output: output as Done["response"]["output"],
    },
  };
}

/** Ends the stream without an error: there is nothing of the type that the agent owes. */
function ended(message: string): DOMException {
  return new DOMException(message, "AbortError");
}

function* deltas(text: string): Generator<StreamEvent> {
  if (text !== "") yield { type: "output_text_delta", delta: text };
}

function textOf(output: readonly { readonly type?: string | undefined }[]): string {
  return output.map(textOfItem).join("");
}

function textOfItem(item: object): string {
  if (!("content" in item) || !Array.isArray(item.content) || !("role" in item)) return "";
  const content: readonly { readonly type?: unknown; readonly text?: unknown }[] = item.content;
  return content.map(({ type, text }) => (type === "output_text" && typeof text === "string" ? text : "")).join("");
}
