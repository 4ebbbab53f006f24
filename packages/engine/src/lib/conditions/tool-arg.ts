import type { ContextCondition, ToolArgCondition } from "@handlebar/protocol";
import type { CompileContext } from "../compile-context.ts";
import type { CompiledLeaf } from "./compiled-condition.ts";
import { compilePathLeaf, type PathRoot } from "./path-leaf.ts";

const ARGS: PathRoot = {
  name: "args",
  value: (frame) => frame.facts.call?.args,
  exceeded: (frame) => frame.facts.call?.argsExceeded === true,
};

const RESULT: PathRoot = {
  name: "result",
  value: (frame) => frame.result.value,
  exceeded: (frame) => frame.result.exceeded,
};

const CONTEXT: PathRoot = {
  name: "context",
  value: (frame) => frame.facts.run.context,
  exceeded: () => false,
};

export function compileToolArg(condition: ToolArgCondition, context: CompileContext): CompiledLeaf {
  return compilePathLeaf(condition, condition.in === "result" ? RESULT : ARGS, context);
}

export function compileContextLeaf(condition: ContextCondition, context: CompileContext): CompiledLeaf {
  return compilePathLeaf(condition, CONTEXT, context);
}
