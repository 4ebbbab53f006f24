export { type ArrivedRequest, type ListenOptions, listen, type NodeServer } from "./lib/node-server.ts";
