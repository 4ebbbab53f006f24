interface ErrorStream {
  write(text: string): unknown;
  on(event: "error", listener: () => void): unknown;
}

/** A function that writes one line to the host's standard error; never throws, also when the stream has been closed. */
export function hostErrorLine(): (line: string) => void {
  const stream = errorStream();
  if (stream === undefined) return (line) => console.error(line);
  let listening = false;
  return (line) => {
    if (!listening) {
      // Without a listener, a reader that has gone away (EPIPE) would end the agent.
      stream.on("error", () => undefined);
      listening = true;
    }
    stream.write(`${line}\n`);
  };
}

function errorStream(): ErrorStream | undefined {
  const host: unknown = globalThis;
  if (typeof host !== "object" || host === null || !("process" in host)) return undefined;
  const { process } = host;
  if (typeof process !== "object" || process === null || !("stderr" in process)) return undefined;
  const { stderr } = process;
  const fits = typeof stderr === "object" && stderr !== null && "write" in stderr && "on" in stderr;
  // Node's and Bun's stream; its two methods are checked above.
  return fits ? (stderr as ErrorStream) : undefined;
}
