import type { ActorCondition, RunTagCondition } from "@handlebar/protocol";
import type { CompileContext } from "../compile-context.ts";
import type { Frame } from "../frame.ts";
import type { Path } from "../path.ts";
import type { CompiledLeaf } from "./compiled-condition.ts";
import { parsePathOrFail } from "./path-leaf.ts";
import { isSinglePath, readSingle } from "./single-path.ts";
import { compileTextQuestion } from "./text-leaf.ts";

export function compileActor(condition: ActorCondition, context: CompileContext): CompiledLeaf {
  const read = compileActorReader(condition.path, context, "path");
  const { ask, cost } = compileTextQuestion(condition, context);
  return { kind: condition.kind, cost, eval: (frame) => ask(read(frame)) };
}

/** Reads what stands at a path of the actor: `externalId`, `name`, `metadata.<key>`, or these below `group.`. */
export function compileActorReader(text: string, context: CompileContext, field: string): (frame: Frame) => unknown {
  const path = parsePathOrFail(text, context, field);
  if (!isActorPath(path)) {
    context.fail(
      "HB_POLICY_PATH_INVALID",
      `an actor has nothing at \`${text}\`; use externalId, name, metadata.<key>, or one of these below group.`,
      field,
    );
  }
  return (frame) => readSingle(frame.facts.actor, path);
}

function isActorPath(path: Path): boolean {
  if (!isSinglePath(path)) return false;
  const names = path.map((step) => (step.kind === "key" ? step.name : ""));
  const own = names[0] === "group" ? names.slice(1) : names;
  if (own[0] === "metadata") return own.length === 2;
  return own.length === 1 && (own[0] === "externalId" || own[0] === "name");
}

export function compileRunTag(condition: RunTagCondition, context: CompileContext): CompiledLeaf {
  const { tag } = condition;
  const { ask, cost } = compileTextQuestion(condition, context);
  return {
    kind: "runTag",
    cost,
    eval: (frame) => {
      const tags = frame.facts.run.tags;
      return ask(Object.hasOwn(tags, tag) ? tags[tag] : undefined);
    },
  };
}
