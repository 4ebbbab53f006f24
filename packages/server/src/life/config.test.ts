import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type ConfigInput, loadServerConfig } from "./config.ts";
import { CONFIG_FIELDS } from "./config-fields.ts";

const KEY = `hb_${"a".repeat(10)}_${"B".repeat(43)}`;

function folderWith(config?: unknown): string {
  const folder = mkdtempSync(join(tmpdir(), "hb-config-"));
  const text = typeof config === "string" ? config : JSON.stringify(config);
  if (config !== undefined) writeFileSync(join(folder, "handlebar.config.json"), text);
  return folder;
}

function load(given: Partial<ConfigInput> = {}): ReturnType<typeof loadServerConfig> {
  return loadServerConfig({ env: {}, flags: {}, cwd: folderWith(), ...given });
}

describe("loadServerConfig", () => {
  it("has a default for everything that it needs", () => {
    const cwd = folderWith();
    expect(load({ cwd })).toMatchObject({
      file: undefined,
      config: {
        host: "127.0.0.1",
        port: 4747,
        databaseUrl: undefined,
        databaseListenUrl: undefined,
        databaseConnectionCountMax: 10,
        folder: join(cwd, ".handlebar"),
        durability: "full",
        retentionDays: 90,
        rateLimitPerSecond: 2000,
        rateLimitBurst: 4000,
        drainTimeoutMs: 10_000,
        logLevel: "info",
        firstKey: undefined,
        publicUrl: undefined,
        webhookAllowedNetworks: undefined,
        tracesEndpoint: undefined,
        tracesHeaders: undefined,
      },
    });
  });

  it("takes flags before the environment, that before the file, that before defaults, and says which", () => {
    const cwd = folderWith({ port: 1, host: "file", retentionDays: 1, $schema: "x" });
    const env = { HANDLEBAR_PORT: "2", HANDLEBAR_HOST: "env", HANDLEBAR_LOG_LEVEL: "" };
    const { config, settings, file } = load({ cwd, env, flags: { port: "3" } });
    expect(config).toMatchObject({ port: 3, host: "env", retentionDays: 1, logLevel: "info" });
    expect(file).toBe(join(cwd, "handlebar.config.json"));
    const sources = Object.fromEntries(settings.map(({ name, source }) => [name, source]));
    expect(sources).toMatchObject({ port: "flag", host: "environment", retentionDays: "file", logLevel: "default" });
  });

  it("never shows a secret", () => {
    const env = {
      DATABASE_URL: "postgres://hb:hunter2@db:5432/handlebar?sslmode=require",
      DATABASE_LISTEN_URL: "not a url with hunter2",
      HANDLEBAR_FIRST_KEY: KEY,
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=hunter2",
    };
    const { settings, config } = load({ env });
    expect(config.databaseUrl).toContain("hunter2");
    expect(JSON.stringify(settings)).not.toMatch(/hunter2|BBBB/);
    expect(settings.find(({ name }) => name === "databaseUrl")?.value).toBe(
      "postgres://hb:[redacted]@db:5432/handlebar",
    );
  });

  it.each([
    [{ flags: { port: "80 80" } }, "`--port` must be a whole number from 0 to 65535"],
    [{ flags: { port: "70000" } }, "`--port` must be a whole number from 0 to 65535"],
    [{ env: { HANDLEBAR_RETENTION_DAYS: "-1" } }, "`HANDLEBAR_RETENTION_DAYS` must be a whole number from 0 to 36500"],
    [{ env: { HANDLEBAR_DURABILITY: "some" } }, "`HANDLEBAR_DURABILITY` must be one of `full`, `normal`"],
    [{ env: { HANDLEBAR_FIRST_KEY: "hb_short" } }, "`HANDLEBAR_FIRST_KEY` must be an API key"],
    [{ cwd: folderWith({ host: 7 }) }, "`host` must be text"],
    [{ cwd: folderWith({ port: true }) }, "`port` must be a whole number"],
    [{ cwd: folderWith("{") }, "is not valid JSON"],
    [{ cwd: folderWith([]) }, "must hold one JSON object"],
    [{ file: "elsewhere.json" }, "the file `elsewhere.json` does not exist"],
  ])("refuses %j", (given, message) => {
    expect(() => load(given)).toThrow(message);
    expect(() => load(given)).toThrow("HB_CONFIG_INVALID");
  });

  it("refuses a setting that does not exist, and says which was meant", () => {
    const cwd = folderWith({ prot: 1 });
    expect(() => load({ cwd })).toThrow(/HB_CONFIG_UNKNOWN_FIELD.*has no setting `prot`; did you mean `port`\?/);
  });

  it("knows each setting by one name, one variable and one flag", () => {
    for (const part of ["name", "env", "flag"] as const) {
      const all = CONFIG_FIELDS.map((field) => field[part]);
      expect(new Set(all).size).toBe(all.length);
    }
    expect(Object.keys(load().config).sort()).toEqual(CONFIG_FIELDS.map(({ name }) => name).sort());
  });
});
