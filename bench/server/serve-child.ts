import { createLog, loadServerConfig, startServer } from "@handlebar/server";

/** A control plane in a process of its own; `process.send` tells where it listens, and how much memory it takes when asked. */
const [folder = ".", databaseUrl = ""] = process.argv.slice(2);
const flags = {
  host: "127.0.0.1",
  port: "0",
  folder,
  ...(databaseUrl === "" ? {} : { "database-url": databaseUrl }),
  "rate-limit-per-second": "1000000",
  "rate-limit-burst": "1000000",
};
const { config } = loadServerConfig({ env: {}, flags, cwd: folder });
const server = await startServer(config, createLog("silent"));
process.send?.({ origin: server.origin, firstKey: server.firstKey });
process.on("message", () => {
  globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  process.send?.({ rssBytes: process.memoryUsage().rss, cpuMicros: user + system });
});
process.on("disconnect", () => void server.stop().then(() => process.exit(0)));
