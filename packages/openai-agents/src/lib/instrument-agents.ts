import { getCurrentRun, toolMarks } from "@handlebar/core";
import type { Tool as KnownTool } from "@handlebar/core/adapter";
import type { Handoff, HostedMCPTool, Model, Tool } from "@openai/agents";
import { ledgerOf } from "./call-ledger.ts";
import type { AnyAgent, Framework } from "./framework.ts";
import { governFunctionTool, isAgentTool } from "./govern-function-tool.ts";
import { governHandoff } from "./govern-handoff.ts";
import { governHostedMcp } from "./govern-hosted-mcp.ts";
import { governApplyPatch, governComputer, governShell } from "./govern-local-tools.ts";
import { governModel } from "./govern-model.ts";

const INSTRUMENTED = Symbol.for("handlebar.openai-agents.agent.v1");

type AgentMethods = Pick<AnyAgent, "getAllTools" | "getEnabledHandoffs">;

/**
 * Governs the tools, handoffs and model of every agent of the classes that this agent is of, when the framework asks the agent for
 * them: its own tools and those of MCP servers, in every agent that is handed to or used as a tool. Inert without a run.
 */
export function instrumentAgents(agent: object, framework: Framework): void {
  for (let current: object | null = agent; current !== null; current = Object.getPrototypeOf(current)) {
    if (Object.hasOwn(current, "getAllTools") && !Object.hasOwn(current, INSTRUMENTED)) {
      // It has the one method, and the other is there or further up.
      instrument(current as AgentMethods, framework);
    }
  }
}

function instrument(prototype: AgentMethods, framework: Framework): void {
  const { getAllTools, getEnabledHandoffs } = prototype;
  const patch: AgentMethods = {
    async getAllTools(this: AnyAgent, ...args) {
      const model = governedModel(this.model, framework);
      if (model !== this.model) this.model = model;
      const tools = (await getAllTools.apply(this, args)).map((tool: Tool) => governTool(tool, framework));
      noteTools(tools);
      return tools;
    },
    async getEnabledHandoffs(this: AnyAgent, ...args) {
      const handoffs: Handoff[] = await getEnabledHandoffs.apply(this, args);
      for (const { agent } of handoffs) instrumentAgents(agent, framework);
      return handoffs.map((handoff) => governHandoff(handoff, this));
    },
  };
  for (const [key, value] of Object.entries(patch))
    Object.defineProperty(prototype, key, { value, writable: true, configurable: true });
  Object.defineProperty(prototype, INSTRUMENTED, { value: true });
}

function governedModel(model: string | Model, framework: Framework): string | Model {
  return typeof model === "object" && model !== null ? governModel(model, framework) : model;
}

/** Governs one tool of any kind, in place; one that cannot be changed is stood for by another. */
export function governTool(given: Tool, framework: Framework): Tool {
  const tool = Object.isFrozen(given) || Object.isSealed(given) ? thawed(given) : given;
  switch (tool.type) {
    case "function":
      governFunctionTool(tool, framework);
      break;
    case "shell":
      governShell(tool);
      break;
    case "apply_patch":
      governApplyPatch(tool);
      break;
    case "computer":
      governComputer(tool);
      break;
    case "hosted_tool":
      if (isHostedMcp(tool)) governHostedMcp(tool);
      break;
    default:
      break;
  }
  return tool;
}

const standIns = new WeakMap<object, Tool>();

function thawed(tool: Tool): Tool {
  const known = standIns.get(tool);
  if (known !== undefined) return known;
  const descriptors = Object.entries(Object.getOwnPropertyDescriptors(tool)).map(([key, descriptor]) => [
    key,
    "value" in descriptor
      ? { ...descriptor, writable: true, configurable: true }
      : { ...descriptor, configurable: true },
  ]);
  const made: Tool = Object.create(Object.getPrototypeOf(tool), Object.fromEntries(descriptors));
  for (const key of Object.getOwnPropertySymbols(tool))
    Object.defineProperty(made, key, { value: Reflect.get(tool, key), writable: true, configurable: true });
  standIns.set(tool, made);
  return made;
}

function isHostedMcp(tool: Tool): tool is HostedMCPTool {
  return tool.type === "hosted_tool" && tool.providerData?.["type"] === "mcp";
}

/**
 * Tells the run which tools will ask before they start, and the client what the marks say of them; tools without marks keep what
 * the program told the client itself.
 */
function noteTools(tools: readonly Tool[]): void {
  const run = getCurrentRun();
  if (run === undefined) return;
  const ledger = ledgerOf(run);
  for (const tool of tools) if (tool.type === "function") ledger.noteGuarded(tool.name);
  const { client } = ledger;
  if (client === undefined) return;
  const known = tools.flatMap((tool): readonly KnownTool[] => {
    const marks = toolMarks(tool);
    if (marks === undefined || tool.type !== "function") return [];
    return [
      {
        name: marks.name ?? tool.name,
        description: marks.description ?? tool.description,
        kind: isAgentTool(tool) ? "agent" : "function",
        ...(marks.tags === undefined ? {} : { tags: [...marks.tags] }),
        ...(marks.classification === undefined ? {} : { classification: marks.classification }),
      },
    ];
  });
  if (known.length > 0) client.registerTools(known);
}
