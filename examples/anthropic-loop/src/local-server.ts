import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What the model says in one turn: text, or tools to call. */
export interface Turn {
  readonly text?: string;
  readonly calls?: readonly { readonly id: string; readonly name: string; readonly input: object }[];
}

/** A server in this process that speaks the wire format of the Messages API and says the turns in order. */
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
      if (turn === undefined) sendError(response);
      else sendTurn(response, turn);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A server that listens on a port has an address with one.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
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

function sendError(response: ServerResponse): void {
  response.writeHead(400, { "content-type": "application/json" });
  response.end(JSON.stringify({ type: "error", error: { type: "invalid_request_error", message: "no more turns" } }));
}

function sendTurn(response: ServerResponse, { text, calls = [] }: Turn): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const send = (data: { readonly type: string }): void => {
    response.write(`event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  const blocks = [
    ...(text === undefined ? [] : [{ start: { type: "text", text: "" }, deltas: pieces(text) }]),
    ...calls.map(({ input, ...call }) => ({
      start: { type: "tool_use", input: {}, ...call },
      deltas: [{ type: "input_json_delta", partial_json: JSON.stringify(input) }],
    })),
  ];
  const message = { id: "msg", type: "message", role: "assistant", model: "local", content: [], stop_reason: null };
  const usage = { input_tokens: 20, cache_read_input_tokens: 5, cache_creation_input_tokens: 0, output_tokens: 1 };
  send({ type: "message_start", message: { ...message, stop_sequence: null, usage } } as { type: string });
  for (const [index, { start, deltas }] of blocks.entries()) {
    send({ type: "content_block_start", index, content_block: start } as { type: string });
    for (const delta of deltas) send({ type: "content_block_delta", index, delta } as { type: string });
    send({ type: "content_block_stop", index } as { type: string });
  }
  const stop_reason = calls.length > 0 ? "tool_use" : "end_turn";
  send({ type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 9 } } as {
    type: string;
  });
  send({ type: "message_stop" });
  response.end();
}

function pieces(text: string): readonly object[] {
  return (text.match(/[\s\S]{1,7}/g) ?? []).map((piece) => ({ type: "text_delta", text: piece }));
}
