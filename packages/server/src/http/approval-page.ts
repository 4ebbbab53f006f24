import { createHash } from "node:crypto";

const STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentcolor 20%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
label { display: block; margin: .8rem 0; } input, textarea { font: inherit; width: 100%; box-sizing: border-box; padding: .4rem; }
dt { font-weight: 600; margin-top: .6rem; } dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
dd.args { font: 14px/1.45 ui-monospace, monospace; padding: .6rem; border: 1px solid var(--line); border-radius: 6px; }
button { font: inherit; padding: .45rem 1.2rem; margin-right: .6rem; } #note { min-height: 1.5rem; font-weight: 600; }
`;

/** All text of the call goes in as text, never as markup. Nothing is sent but what a button says. */
const SCRIPT = `
"use strict";
const id = decodeURIComponent(location.pathname.split("/").pop());
const api = new URL("../v1/approvals/" + encodeURIComponent(id), location.href).href;
const find = (name) => document.getElementById(name);
const say = (text) => { find("note").textContent = text; };
const ask = async (method, url, body) => {
  const response = await fetch(url, {
    method, redirect: "error", credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store",
    headers: { authorization: "Bearer " + find("key").value.trim(), ...(body && { "content-type": "application/json" }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error((answer.code || response.status) + ": " + (answer.detail || answer.title || ""));
  return answer.approval;
};
const show = (approval) => {
  const terms = approval.terms || {};
  const votes = (approval.votes || []).map((vote) => vote.status + " by " + (vote.by || "?"));
  const rows = [
    ["Status", approval.status + (approval.by ? " by " + approval.by : "")],
    ["Agent", approval.agent], ["Tool", approval.tool],
    ["Arguments", approval.args === undefined ? "(not shown)" : JSON.stringify(approval.args, null, 2), "args"],
    ["", approval.argsExact === false ? "Some arguments are masked, left out or not given." : ""],
    ["For", approval.actor && approval.actor.externalId], ["Why", approval.reason],
    ["Needs", terms.approvalsNeeded > 1 ? terms.approvalsNeeded + " people" : ""], ["Answers", votes.join(", ")],
    ["Until", approval.expiresAt], ["Run", approval.runId],
  ];
  const list = find("call");
  list.replaceChildren();
  for (const [name, text, kind] of rows) {
    if (!text) continue;
    const dt = document.createElement("dt");
    const dd = document.createElement("dd");
    dt.textContent = name;
    dd.textContent = text;
    if (kind) dd.className = kind;
    list.append(dt, dd);
  }
  find("answer").hidden = approval.status !== "pending";
};
const run = async (work) => {
  say("");
  for (const button of document.querySelectorAll("button")) button.disabled = true;
  try { show(await work()); } catch (error) { say(error.message); }
  for (const button of document.querySelectorAll("button")) button.disabled = false;
};
const answer = (status) => {
  const by = find("by").value.trim();
  const comment = find("comment").value.trim();
  return ask("POST", api + "/resolve", { status, ...(by && { by }), ...(comment && { comment }) });
};
find("open").addEventListener("submit", (event) => { event.preventDefault(); run(() => ask("GET", api)); });
find("answer").addEventListener("submit", (event) => {
  event.preventDefault();
  run(() => answer(event.submitter.value));
});
`;

const digest = (text: string): string => createHash("sha256").update(text).digest("base64");

/** Only this page's own script and style run, and it speaks with this server alone. */
export const APPROVAL_PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": `default-src 'none'; script-src 'sha256-${digest(SCRIPT)}'; style-src 'sha256-${digest(STYLE)}'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
};

/**
 * Where links in messages lead: the same page for every approval. It holds nothing of it, and opening it changes nothing; who gives a key sees the call, and
 * a button sends the answer.
 */
export const APPROVAL_PAGE: string = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Approval</title>
<style>${STYLE}</style>
</head>
<body>
<h1>A call waits for a person</h1>
<form id="open">
<label>Your API key <input id="key" type="password" autocomplete="current-password" required spellcheck="false"></label>
<button>Show the call</button>
</form>
<p id="note" role="status"></p>
<dl id="call"></dl>
<form id="answer" hidden>
<label>Your name, where the key is not your own <input id="by" maxlength="256" autocomplete="username"></label>
<label>Why <textarea id="comment" maxlength="4096" rows="2"></textarea></label>
<button value="approved">Approve this one call</button>
<button value="denied">Deny it</button>
</form>
<script>${SCRIPT}</script>
</body>
</html>
`;
