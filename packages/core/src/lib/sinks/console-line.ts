import type { AuditEvent } from "@handlebar/protocol";

const COLOURS = { red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, grey: 90 } as const;
type Colour = keyof typeof COLOURS;
type Paint = (colour: Colour, text: string) => string;

const DETAIL_LENGTH_MAX = 160;

/** One event as a line for people. Text from models and tools is made harmless to the terminal. */
export function consoleLine(event: AuditEvent, colour: boolean): string {
  const paint: Paint = (name, text) => (colour ? `\u001b[${COLOURS[name]}m${text}\u001b[0m` : text);
  const time = event.ts.slice(11, 23);
  const where = `${plain(event.agentId)} ${plain(event.runId.slice(-8))} #${event.seq}`;
  return `${paint("grey", `${plain(time)} ${where}`)} ${describe(event, paint)}`;
}

function describe(event: AuditEvent, paint: Paint): string {
  switch (event.kind) {
    case "tool.decision":
      return `${verdict(event.data, paint)} ${plain(event.data.tool.name)}${cause(event.data)}`;
    case "llm.decision":
      return `${verdict(event.data, paint)} ${plain(event.data.model?.name ?? "model")}${cause(event.data)}`;
    case "tool.result":
      return `${outcome(event.data.outcome, paint)} ${plain(event.data.tool.name)}${details(event.data.error?.message)}`;
    case "llm.result":
      return `${outcome(event.data.outcome, paint)} model${details(event.data.error?.message)}`;
    case "message.raw.created":
      return `${paint("grey", "message")} ${event.data.role}${details(messageText(event.data.content))}`;
    case "approval.requested":
      return `${paint("yellow", "approval requested")}`;
    case "approval.resolved":
      return `${paint("yellow", `approval ${event.data.status}`)}${details(event.data.by)}`;
    case "lockdown.applied":
      return `${paint("red", "LOCKDOWN")}${details(event.data.reason)}`;
    case "events.dropped":
      return paint("red", `${event.data.counts.reduce((sum, { count }) => sum + count, 0)} events dropped`);
    case "error":
      return `${paint("red", plain(event.data.code))}${details(event.data.message)}`;
    case "policy.applied":
      return `${paint("blue", `policies at revision ${event.data.revision}`)}${details(event.data.refused?.message)}`;
    case "run.started":
      return `${paint("blue", "run started")} ${event.data.enforceMode}`;
    case "run.ended":
      return `${paint("blue", `run ended: ${event.data.status}`)}${details(event.data.terminatedBy)}`;
  }
}

type DecisionData = AuditEvent<"tool.decision" | "llm.decision">["data"];

function verdict(data: DecisionData, paint: Paint): string {
  const held = data.cause.kind === "HITL_PENDING";
  const text = data.control === "TERMINATE" ? `${data.verdict}, TERMINATE` : data.verdict;
  if (data.verdict === "ALLOW") return paint("green", text);
  return held ? paint("yellow", `${text} (held)`) : paint("red", text);
}

function cause(data: DecisionData): string {
  const rule = data.finalRuleId === undefined ? "" : ` ${plain(data.finalRuleId)}`;
  return data.cause.kind === "ALLOW" ? "" : ` ${data.cause.kind}${rule}${details(data.message)}`;
}

function outcome(name: "success" | "error", paint: Paint): string {
  return name === "success" ? paint("green", "done") : paint("red", "failed");
}

function messageText(content: AuditEvent<"message.raw.created">["data"]["content"]): string {
  if (typeof content === "string") return content;
  return content.map((part) => ("text" in part ? part.text : `[${part.type}]`)).join(" ");
}

function details(text: string | undefined): string {
  if (text === undefined || text === "") return "";
  const cut = text.length > DETAIL_LENGTH_MAX ? `${text.slice(0, DETAIL_LENGTH_MAX)}…` : text;
  return `: ${plain(cut)}`;
}

/** Control and direction characters would let a text rewrite the terminal; each becomes a space. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, " ");
}
