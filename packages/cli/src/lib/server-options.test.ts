import { CONFIG_FIELDS } from "@handlebar/server";
import { describe, expect, it } from "vitest";
import { requireServerNode } from "./server-node.ts";
import { SERVER_OPTION_HELP } from "./server-options.ts";

describe("options of the server", () => {
  it("are the server's own table of settings", () => {
    const { config: _config, ...help } = SERVER_OPTION_HELP;
    expect(help).toEqual(Object.fromEntries(CONFIG_FIELDS.map(({ flag, meaning }) => [flag, meaning])));
  });
});

describe("requireServerNode", () => {
  it.each(["22.19.0", "22.20.1", "24.0.0", "26.10.0"])("takes %s", (version) => {
    expect(() => requireServerNode(version)).not.toThrow();
  });

  it.each(["18.20.0", "20.20.2", "22.18.9", "21.99.0"])("refuses %s in one line", (version) => {
    expect(() => requireServerNode(version)).toThrow(
      `HB_SERVER_NODE_VERSION: the control plane needs Node.js 22.19 or later, and this is ${version}; install a newer one`,
    );
  });
});
