export { createFakeClock, type FakeClock, type FakeClockOptions, type PendingTimer } from "./lib/fake-clock.ts";
export type { FaultPlan, MsRange, NetworkFault } from "./lib/network-fault.ts";
export type { RecordedRequest } from "./lib/recorded-request.ts";
export {
  createScriptedControlPlane,
  type ScriptedControlPlane,
  type ScriptedControlPlaneOptions,
} from "./lib/scripted-control-plane.ts";
export { createRandom, type SeededRandom } from "./lib/seeded-random.ts";
export {
  type BodyWriter,
  jsonResponse,
  readRequestText,
  type SimHandler,
  type SimRequest,
  type SimResponse,
  type StreamBody,
} from "./lib/sim-http.ts";
export { createSimIds, type SimIds } from "./lib/sim-ids.ts";
export { createSimNetwork, type SimNetwork, type SimNetworkOptions } from "./lib/sim-network.ts";
export { createSimRuntime, type LogLine, type SimRuntime, type SimRuntimeOptions } from "./lib/sim-runtime.ts";
