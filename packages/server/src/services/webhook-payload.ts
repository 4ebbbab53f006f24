import type { Approval, JsonObject, JsonValue } from "@handlebar/protocol";
import { WEBHOOK_SHOWN_LENGTH_MAX, WEBHOOK_SIZE_BYTES_MAX } from "../limits.ts";
import type { DeliveryRecord } from "../storage/webhooks-table.ts";

/** The type of a message that only shows that messages arrive. */
export const TEST_TYPE = "webhook.test";

/**
 * The body of a message, the same at each attempt: what happened (`type`, `timestamp`, `data`), and the same as `text` and `blocks`, which chat tools
 * show. Links only lead to where a person answers; following one changes nothing.
 */
export function webhookBody(
  { type, data, createdAtMs }: Pick<DeliveryRecord, "type" | "data" | "createdAtMs">,
  publicUrl: string | undefined,
): string {
  const timestamp = new Date(createdAtMs).toISOString();
  if (type === TEST_TYPE) {
    const text = "Handlebar reaches this webhook.";
    return JSON.stringify({ type, timestamp, data, text, blocks: [section(text)] });
  }
  // Other messages carry an approval, as it was written with them.
  const approval = data as unknown as Approval;
  const url = publicUrl === undefined ? undefined : `${publicUrl}/approvals/${encodeURIComponent(approval.approvalId)}`;
  const whole = JSON.stringify({ ...bodyOf(type, approval, url), timestamp });
  if (Buffer.byteLength(whole) <= WEBHOOK_SIZE_BYTES_MAX) return whole;
  return JSON.stringify({ ...bodyOf(type, withoutPayload(approval), url), timestamp });
}

function bodyOf(type: string, approval: Approval, url: string | undefined): JsonObject {
  // A record as it was written: plain JSON.
  const data = { approval: approval as unknown as JsonValue, ...(url === undefined ? {} : { url }) };
  const text = type === "approval.requested" ? requestText(approval) : answerText(approval);
  const link = type === "approval.requested" && url !== undefined ? [linkBlock(url)] : [];
  const hint = contextBlock(`\`${inline(approval.approvalId)}\``, whereText(approval));
  return { type, data, text, blocks: [section(text), ...detailBlocks(type, approval), hint, ...link] };
}

/** What is too large for a message is looked up by whoever answers. */
function withoutPayload(approval: Approval): Approval {
  const { args: _, edited: _edited, votes: _votes, ...rest } = approval;
  return { ...rest, argsExact: false };
}

function requestText({ agent, tool, actor, reason }: Approval): string {
  const forWhom = actor === undefined ? "" : ` for ${inline(actor.externalId)}`;
  const why = reason === undefined ? "" : `: ${inline(reason)}`;
  return `*${inline(agent)}* asks to call *${inline(tool)}*${forWhom}${why}`;
}

function answerText({ agent, tool, status, by, comment, edited }: Approval): string {
  const who = by === undefined ? "" : ` by ${inline(by)}`;
  const why = comment === undefined ? "" : `: ${inline(comment)}`;
  const what = edited === undefined ? status : "approved with other arguments";
  return `The call of *${inline(tool)}* by *${inline(agent)}* was ${what}${who}${why}`;
}

function whereText({ runId, expiresAt, status }: Approval): string {
  return `run ${inline(runId)}${status === "pending" ? `, until ${expiresAt}` : ""}`;
}

function detailBlocks(type: string, { args, argsExact }: Approval): readonly JsonObject[] {
  if (type !== "approval.requested") return [];
  if (args === undefined) return [section("_The arguments are not shown._")];
  const text = JSON.stringify(args, undefined, 2);
  const isCut = text.length > WEBHOOK_SHOWN_LENGTH_MAX;
  const shown = isCut ? `${text.slice(0, WEBHOOK_SHOWN_LENGTH_MAX)}…` : text;
  // Three backticks would end the block, and let what follows pass for our own words.
  const code = section(`\`\`\`${withoutMarkup(shown.replaceAll("```", "'''"))}\`\`\``);
  if (argsExact === true && !isCut) return [code];
  return [code, section(isCut ? "_They are longer than this._" : "_Some of them are masked or left out._")];
}

function section(text: string): JsonObject {
  return { type: "section", text: { type: "mrkdwn", text } };
}

function contextBlock(...texts: readonly string[]): JsonObject {
  return { type: "context", elements: texts.map((text) => ({ type: "mrkdwn", text })) };
}

function linkBlock(url: string): JsonObject {
  const text = { type: "plain_text", text: "Look and answer" };
  return { type: "actions", elements: [{ type: "button", text, url }] };
}

const TEXT_LENGTH_MAX = 500;

/** Text of others within a line of ours: it mentions nobody, links nowhere, starts no line, turns nothing round and is not long. */
function inline(text: string): string {
  const line = text.replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, " ");
  return withoutMarkup(line.length > TEXT_LENGTH_MAX ? `${line.slice(0, TEXT_LENGTH_MAX)}…` : line);
}

function withoutMarkup(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
