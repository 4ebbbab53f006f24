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
 * Governs the tools, handoffs and model of every agent of the class that this agent is of, when the framework asks the agent for
 * them: its own tools and those of MCP servers, in every agent that is handed to or used as a tool. Inert without a run.
 */
export function instrumentAgents(agent: object, framework: Framework): void {
  const prototype = ownerOf(agent, "getAllTools");
  if (prototype === undefined || INSTRUMENTED in prototype) return;
  const { getAllTools, getEnabledHandoffs } = prototype;
  const patch: AgentMethods = {
    async getAllTools(this: AnyAgent, ...args) {
      this.model = governedModel(this.model, framework);
      const tools = await getAllTools.apply(this, args);
      for (const tool of tools) governTool(tool, framework);
      registerTools(tools);
      return tools;
    },
    async getEnabledHandoffs(this: AnyAgent, ...args) {
      const handoffs = await getEnabledHandoffs.apply(this, args);
      return handoffs.map((handoff: Handoff) => governHandoff(handoff, this));
    },
  };
  for (const [key, value] of Object.entries(patch))
    Object.defineProperty(prototype, key, { value, writable: true, configurable: true });
  Object.defineProperty(prototype, INSTRUMENTED, { value: true });
}

/** The prototype that defines a method, so that agents of the program's own classes are governed too. */
function ownerOf(agent: object, method: keyof AgentMethods): AgentMethods | undefined {
  let current: object | null = agent;
  while (current !== null && !Object.hasOwn(current, method)) current = Object.getPrototypeOf(current);
  // It has the method, and the framework's agents have both or neither.
  return (current as AgentMethods | null | undefined) ?? undefined;
}

function governedModel(model: string | Model, framework: Framework): string | Model {
  return typeof model === "object" && model !== null ? governModel(model, framework) : model;
}

/** Governs one tool of any kind, in place. */
export function governTool(tool: Tool, framework: Framework): void {
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
}

function isHostedMcp(tool: Tool): tool is HostedMCPTool {
  return tool.type === "hosted_tool" && tool.providerData?.["type"] === "mcp";
}

/** Tells the client what the marks say of tools; tools without marks keep what the program told the client itself. */
function registerTools(tools: readonly Tool[]): void {
  const run = getCurrentRun();
  const client = run === undefined ? undefined : ledgerOf(run).client;
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
