#!/usr/bin/env node
// Plain JavaScript without imports of its own, so that it can say on any Node which one it needs.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`handlebar needs Node 20.19 or later; this is ${process.versions.node}\n`);
  process.exitCode = 2;
} else {
  const { main } = await import("../dist/index.js");
  process.exitCode = await main();
}
