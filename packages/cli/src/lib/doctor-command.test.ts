import { describe, expect, it } from "vitest";
import { startControlPlane } from "./control-plane.fixture.ts";
import { handlebarAs, sandbox } from "./sandbox.fixture.ts";

describe("handlebar doctor", () => {
  it("shows every setting with its source, and that all is well", async () => {
    const plane = await startControlPlane();
    const cwd = sandbox({ "handlebar.config.json": '{"retentionDays":7}' });
    const { code, out } = await plane.handlebar(cwd, "doctor", "--port", "9000");
    await plane.stop();
    expect(code).toBe(0);
    expect(out).toMatch(/retentionDays +file +7/);
    expect(out).toMatch(/port +flag +9000/);
    expect(out).toMatch(/host +default +127\.0\.0\.1/);
    expect(out).toMatch(/ok {4}Node\.js: \d+\./);
    expect(out).toMatch(/ok {4}store: .*\.handlebar \(made at the first start\), \d+ MiB free/);
    expect(out).toContain(`ok    control plane: ${plane.origin}: ready`);
    expect(out).toMatch(/ok {4}API key: \w{10} \(first key\) of the workspace default: admin/);
  });

  it("says what does not work, and shows no secret", async () => {
    const env = {
      DATABASE_URL: "postgres://hb:hunter2@db/x",
      HANDLEBAR_API_ENDPOINT: "http://127.0.0.1:1",
      HANDLEBAR_FIRST_KEY: `hb_${"a".repeat(10)}_${"B".repeat(43)}`,
    };
    const { code, out } = await handlebarAs({ cwd: sandbox(), env }, "doctor", "--json");
    expect(code).toBe(1);
    expect(out).not.toMatch(/hunter2|BBBB/);
    const report = JSON.parse(out);
    expect(report.settings).toContainEqual({
      name: "databaseUrl",
      source: "environment",
      value: "postgres://hb:[redacted]@db/x",
    });
    const wrong = report.findings.filter((finding: { isFine: boolean }) => !finding.isFine);
    expect(wrong.map((finding: { what: string }) => finding.what)).toEqual(["control plane", "API key"]);
  });

  it("names a setting that is wrong", async () => {
    const { code, err } = await handlebarAs({ cwd: sandbox(), env: { HANDLEBAR_PORT: "x" } }, "doctor");
    expect([code, err]).toEqual([2, "HB_CONFIG_INVALID: `HANDLEBAR_PORT` must be a whole number from 0 to 65535\n"]);
  });
});
