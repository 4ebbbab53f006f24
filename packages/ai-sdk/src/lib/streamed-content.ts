import { textParts } from "./closing-answer.ts";
import type { SdkPart, SdkStreamPart } from "./sdk-shapes.ts";

interface Block {
  readonly kind: "text" | "reasoning" | "tool-input";
  readonly step: "start" | "delta" | "end";
}

/** What the parts of a block's text are called. */
const BLOCKS: ReadonlyMap<string, Block> = new Map(
  (["text", "reasoning", "tool-input"] as const).flatMap((kind) =>
    (["start", "delta", "end"] as const).map((step) => [`${kind}-${step}`, { kind, step }] as const),
  ),
);
/** Parts that tell of the answer and are none of it. */
const ABOUT: ReadonlySet<string> = new Set(["stream-start", "response-metadata", "error", "finish"]);

/** What the model says, put together from its stream, with the stream's parts kept that have not gone out. */
export class StreamedContent {
  /** As an answer in one piece would hold it. */
  readonly content: SdkPart[] = [];
  /** By place in the content, the parts that it came in; absent once they went out. */
  readonly #held = new Map<number, SdkStreamPart[]>();
  /** Places of the blocks being written, by kind and id. */
  readonly #places = new Map<string, number>();
  /** What a call's arguments looked like while they were written, by the call's id. */
  readonly #inputs = new Map<string, SdkStreamPart[]>();
  /** Blocks that went out and have no end yet. */
  readonly #open = new Map<string, SdkStreamPart>();

  /** Takes a part in; true where it has to wait. */
  add(part: SdkStreamPart, holdsBack: "all" | "calls" | "starts"): boolean {
    if (ABOUT.has(part.type)) return false;
    if (part.type === "raw") return holdsBack === "all";
    const block = BLOCKS.get(part.type);
    const isInput = block?.kind === "tool-input";
    const isCall = isInput || part.type === "tool-call" || part.type === "tool-result";
    // What comes after a part that waits waits too, so that the order stays.
    const waits = holdsBack === "all" || this.#held.size > 0 || (isCall && (!isInput || holdsBack === "calls"));
    if (isInput) {
      if (waits) push(this.#inputs, part.id ?? "", part);
      return waits;
    }
    const place = block === undefined ? this.content.push(part) - 1 : this.#write(block, part);
    if (waits) push(this.#held, place, part);
    else if (block !== undefined) this.#note(block, part);
    return waits;
  }

  /** The parts that waited, with the content as it may go on: `undefined` where a part may not. */
  release(fresh: readonly (SdkPart | undefined)[]): readonly SdkStreamPart[] {
    return this.content.flatMap((part, place) => {
      const held = this.#held.get(place);
      const now = fresh[place];
      if (held === undefined || now === undefined) return [];
      if (part.type === "tool-call") return this.#call(part, now);
      return now === part ? held : rewritten(held, now);
    });
  }

  /** Ends for the blocks that went out without one. */
  closeOpen(): readonly SdkStreamPart[] {
    return [...this.#open.values()].map(({ type, id }) => ({ type: type.replace("-start", "-end"), id }));
  }

  #write({ kind, step }: Block, part: SdkStreamPart): number {
    const key = keyOf(kind, part);
    const known = step === "start" ? undefined : this.#places.get(key);
    const at = known ?? this.content.push({ type: kind, text: "" }) - 1;
    if (known === undefined) this.#places.set(key, at);
    const old = this.content[at];
    if (step === "delta" && old !== undefined) {
      this.content[at] = { ...old, text: (old.text ?? "") + (part.delta ?? "") };
    }
    return at;
  }

  #note({ kind, step }: Block, part: SdkStreamPart): void {
    if (step === "start") this.#open.set(keyOf(kind, part), part);
    else if (step === "end") this.#open.delete(keyOf(kind, part));
  }

  #call(part: SdkPart, now: SdkPart): readonly SdkStreamPart[] {
    const inputs = this.#inputs.get(part.toolCallId ?? "") ?? [];
    if (now.type === "text") return textParts(`handlebar-${part.toolCallId}`, now.text ?? "");
    return [...(now.input === part.input ? inputs : rewrittenInput(inputs, now)), now];
  }
}

function keyOf(kind: Block["kind"], { id }: SdkStreamPart): string {
  return `${kind} ${id}`;
}

function push<K>(lists: Map<K, SdkStreamPart[]>, key: K, part: SdkStreamPart): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [part]);
  else list.push(part);
}

/** A block with its text in one piece, and what its parts said beside the text. */
function rewritten(held: readonly SdkStreamPart[], now: SdkPart): readonly SdkStreamPart[] {
  const deltas = held.filter(({ type }) => type.endsWith("-delta"));
  if (deltas.length === 0) return [now];
  const [first] = deltas;
  const last = deltas.findLast(({ providerMetadata }) => providerMetadata !== undefined);
  const metadata = last === undefined ? {} : { providerMetadata: last.providerMetadata };
  return held.flatMap((part) => {
    if (!part.type.endsWith("-delta")) return [part];
    return part === first ? [{ ...part, delta: now.text ?? "", ...metadata }] : [];
  });
}

function rewrittenInput(inputs: readonly SdkStreamPart[], now: SdkPart): readonly SdkStreamPart[] {
  const [first] = inputs.filter(({ type }) => type === "tool-input-delta");
  return inputs.flatMap((part) => {
    if (part.type !== "tool-input-delta") return [part];
    return part === first ? [{ ...part, delta: String(now.input) }] : [];
  });
}
