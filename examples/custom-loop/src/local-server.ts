import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What the model says in one turn: text, or tools to call. */
export interface Turn {
  readonly text?: string;
  readonly calls?: readonly { readonly id: string; readonly name: string; readonly args: object }[];
}

/** A server in this process that speaks the wire format of Chat Completions, streamed or not, and says the turns in order. */
export interface LocalServer {
  readonly url: string;
  /** The bodies of the requests that came, as text. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

export async function openLocalServer(turns: readonly Turn[]): Promise<LocalServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      requests.push(body);
      const turn = turns[requests.length - 1];
      if (turn === undefined)
        sendJson(response, 400, { error: { message: "no more turns", type: "invalid_request_error" } });
      else if (/"stream":\s*true/.test(body)) sendStream(response, turn);
      else sendJson(response, 200, completion(turn));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A server that listens on a port has an address with one.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  return body;
}

const HEAD = { id: "chatcmpl-local", created: 0, model: "local" };
const USAGE = {
  prompt_tokens: 20,
  completion_tokens: 9,
  total_tokens: 29,
  prompt_tokens_details: { cached_tokens: 5 },
};

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function completion({ text, calls = [] }: Turn): object {
  const message = {
    role: "assistant",
    content: text ?? null,
    ...(calls.length === 0 ? {} : { tool_calls: calls.map(wireCall) }),
  };
  const choice = { index: 0, message, finish_reason: calls.length > 0 ? "tool_calls" : "stop" };
  return { ...HEAD, object: "chat.completion", choices: [choice], usage: USAGE };
}

function sendStream(response: ServerResponse, { text, calls = [] }: Turn): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const send = (choices: readonly object[], usage: object | null = null): void => {
    const chunk = { ...HEAD, object: "chat.completion.chunk", choices, usage };
    response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  };
  send([{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }]);
  for (const piece of text?.match(/[\s\S]{1,7}/g) ?? [])
    send([{ index: 0, delta: { content: piece }, finish_reason: null }]);
  calls.forEach((call, index) => {
    send([{ index: 0, delta: { tool_calls: [{ index, ...wireCall(call) }] }, finish_reason: null }]);
  });
  send([{ index: 0, delta: {}, finish_reason: calls.length > 0 ? "tool_calls" : "stop" }]);
  send([], USAGE);
  response.end("data: [DONE]\n\n");
}

function wireCall({ id, name, args }: NonNullable<Turn["calls"]>[number]): object {
  return { id, type: "function", function: { name, arguments: JSON.stringify(args) } };
}
