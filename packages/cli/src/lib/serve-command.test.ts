import { describe, expect, it } from "vitest";
import { handlebarAs, type Ran, sandbox } from "./sandbox.fixture.ts";

/** Runs `handlebar serve` until it has said `text`, lets `meanwhile` look at it, and asks it to end. */
async function serve(
  args: readonly string[],
  text: string,
  meanwhile: (out: string) => Promise<void> = async () => undefined,
): Promise<Ran> {
  const interruption = new AbortController();
  const ran: Ran = { code: -1, out: "", err: "" };
  let seen = (): void => undefined;
  const saw = new Promise<void>((resolve) => {
    seen = resolve;
  });
  const screen = {
    cwd: sandbox(),
    env: {},
    interrupted: interruption.signal,
    out: (said: string) => {
      ran.out += said;
      if (ran.out.includes(text)) seen();
    },
    err: (said: string) => {
      ran.err += said;
    },
  };
  const ended = handlebarAs(screen, "serve", "--port", "0", ...args);
  // One that fails early says why in the end.
  await Promise.race([saw, ended]);
  if (ran.out.includes(text)) await meanwhile(ran.out);
  interruption.abort();
  const { code } = await ended;
  return { ...ran, code };
}

const originIn = (out: string): string | undefined => /listens on (\S+),/.exec(out)?.[1];

describe("handlebar serve", () => {
  it("says where it listens and its first key, answers, and ends when it is asked to", async () => {
    let ready: unknown;
    const { code, out, err } = await serve([], "handlebar keys create", async (said) => {
      ready = await (await fetch(`${originIn(said)}/readyz`)).json();
    });
    expect(code).toBe(0);
    expect(ready).toMatchObject({ status: "ready" });
    expect(out).toMatch(/export HANDLEBAR_API_KEY=hb_[a-z0-9]{10}_[A-Za-z0-9_-]{43}\n/);
    const logged = err
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).msg);
    expect(logged).toEqual(["listening", "stopping", "stopped"]);
    expect(err).not.toMatch(/hb_[a-z0-9]{10}_[A-Za-z0-9_-]{43}/);
  });

  it("--demo puts its policies in force and runs its agent, which goes as it should", async () => {
    const { code, out } = await serve(["--demo"], "\nthe demo ");
    expect(out).toContain("the demo went as it should");
    expect(out).toContain("policies in force: demo-support, demo-exfiltration");
    expect(out).not.toContain("!!");
    expect(code).toBe(0);
  });

  it("says in one line what is wrong with its settings", async () => {
    const { code, err } = await handlebarAs({ cwd: sandbox(), env: {} }, "serve", "--port", "no");
    expect([code, err]).toEqual([2, "HB_CONFIG_INVALID: `--port` must be a whole number from 0 to 65535\n"]);
  });
});
