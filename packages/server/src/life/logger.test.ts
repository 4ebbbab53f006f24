import { describe, expect, it } from "vitest";
import { createLog, type LogLevel } from "./logger.ts";

function lines(level: LogLevel, say: (log: ReturnType<typeof createLog>) => void): readonly Record<string, unknown>[] {
  const written: string[] = [];
  say(createLog(level, { write: (line) => void written.push(line) }));
  return written.map((line) => JSON.parse(line));
}

describe("createLog", () => {
  it("writes one JSON object a line, with its level and time", () => {
    const [line] = lines("info", (log) => log.warn({ count: 2 }, "two of them"));
    expect(line).toEqual({ level: "warn", time: expect.stringMatching(/^\d{4}-.*Z$/), count: 2, msg: "two of them" });
  });

  it("leaves out what is below its level", () => {
    const said = lines("warn", (log) => {
      log.debug({}, "a");
      log.info({}, "b");
      log.warn({}, "c");
      log.error({}, "d");
    });
    expect(said.map(({ msg }) => msg)).toEqual(["c", "d"]);
    expect(lines("silent", (log) => log.error({}, "x"))).toEqual([]);
  });

  it("shows no secret, wherever it stands", () => {
    const key = `hb_${"a".repeat(10)}_${"S".repeat(43)}`;
    const error = new Error(`refused postgres://hb:hunter2@db/x with ${key}`, { cause: new Error(`then ${key}`) });
    const text = JSON.stringify(
      lines("info", (log) =>
        log.error({ err: error, apiKey: key, request: { authorization: `Bearer ${key}` } }, "failed"),
      ),
    );
    expect(text).not.toMatch(/SSSS|hunter2/);
    expect(text).toContain("hb_aaaaaaaaaa_[redacted]");
    expect(text).toContain("postgres://hb:[redacted]@db/x");
  });

  it("tells of an error's code and causes, and not of its other fields", () => {
    const error = Object.assign(new Error("no"), { code: "E1", row: { secretRow: 1 } });
    const [line] = lines("info", (log) => log.error({ err: error }, "failed"));
    expect(line?.["err"]).toMatchObject({ name: "Error", message: "no", code: "E1", stack: expect.any(String) });
    expect(JSON.stringify(line)).not.toContain("secretRow");
  });
});
