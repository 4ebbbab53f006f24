import { writeSync } from "node:fs";
import { consoleSink } from "../sinks/console-sink.ts";
import { SimClient } from "../sinks/sim-world.test-support.ts";

/** Writes lines to a standard error that nobody reads any more. */
const client = new SimClient();
const sink = consoleSink();
writeSync(1, "ready\n");
process.stdin.once("data", async () => {
  for (let count = 0; count < 200; count++) {
    void sink.write(client.decision("run"));
    await new Promise((resolve) => setImmediate(resolve));
  }
  writeSync(1, "done\n");
  process.exit(0);
});
