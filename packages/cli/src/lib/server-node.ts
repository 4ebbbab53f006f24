import { HandlebarError } from "@handlebar/protocol";

/** What the control plane needs: its SQLite driver ends the process without a word on Node 20. */
const MINIMUM = { major: 22, minor: 19 } as const;

/**
 * Whether this Node.js can run the control plane; asked before anything of it is imported.
 * @throws HandlebarError `HB_SERVER_NODE_VERSION`.
 */
export function requireServerNode(version: string): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > MINIMUM.major || (major === MINIMUM.major && minor >= MINIMUM.minor)) return;
  throw new HandlebarError(
    "HB_SERVER_NODE_VERSION",
    `the control plane needs Node.js ${MINIMUM.major}.${MINIMUM.minor} or later, and this is ${version}; install a newer one`,
  );
}
