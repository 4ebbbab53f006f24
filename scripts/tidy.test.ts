import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { headingsOf, linksOf } from "./lib/markdown.ts";
import { isCode, isTest, linesMatching, type RepoFile, repoFiles } from "./lib/repo-files.ts";
import { REPO_ROOT } from "./lib/repo-root.ts";

const FILES = repoFiles();
const CODE = FILES.filter(({ path }) => isCode(path));
const DOCUMENTS = FILES.filter(({ path }) => path.endsWith(".md"));

const problems = (files: readonly RepoFile[], pattern: RegExp, what: string): readonly string[] =>
  files.flatMap((file) => linesMatching(file, pattern, what));

// The files that plant these faults, or name them in order to find them, are left out.
const CHECKERS = /^scripts\/(tidy|lint-rooms)\.test\.ts$/;

describe("words", () => {
  it.each<[RegExp, string]>([
    [/\b(TODO|FIXME|XXX|HACK)\b/, "unfinished; do it or take it out"],
    [/\bnot (yet )?implemented\b/i, "unfinished; do it or take it out"],
    [/\bas any\b(?! [a-z])/, "untyped; use `unknown` and prove the type"],
    [/@ts-(ignore|nocheck)/, "the compiler is silenced; use @ts-expect-error with a reason, in type tests alone"],
    [/\.only\(/, "other tests would not run"],
    [/\.skip\(/, "a test that does not run; a test without its data uses `skipIf`"],
    [/import (type )?\{ z \} from "zod"/, "a bundle would hold all of zod; use `import * as z`, a fifth of the size"],
    [/\bglobalThis\.fetch\s*=/, "a replaced global; pass a runtime with its own `fetch`"],
  ])("%s is in no code", (pattern, what) => {
    const files = CODE.filter(({ path }) => !CHECKERS.test(path));
    expect(problems(files, pattern, what)).toEqual([]);
  });

  it("@ts-expect-error stands in tests alone", () => {
    const files = CODE.filter(({ path }) => !isTest(path) && !CHECKERS.test(path));
    expect(problems(files, /@ts-expect-error/, "the compiler is silenced")).toEqual([]);
  });

  it("no file names a path of one machine", () => {
    const what = "a path that exists on one machine";
    expect(problems(FILES, /(^|[^A-Za-z0-9_.:-])\/(work|farm|root)\/\w/, what)).toEqual([]);
    // Tests of policies hold the arguments of imagined agents, home folders among them.
    const rest = FILES.filter(({ path }) => !isTest(path) && !/^(spec|examples)\//.test(path));
    expect(problems(rest, /(^|[^A-Za-z0-9_.:-])\/(home|Users)\/\w/, what)).toEqual([]);
  });

  it("no file names a package registry's host", () => {
    expect(problems(FILES, /\bregistry\.[a-z-]+\.[a-z]{2,}/, "a registry's host")).toEqual([]);
  });

  it("the lock file records no download address", () => {
    const lock = FILES.filter(({ path }) => path.endsWith("package-lock.json"));
    expect(lock.map(({ path }) => path)).toContain("package-lock.json");
    expect(problems(lock, /"resolved": "\w+:\/\//, "an address; see .npmrc")).toEqual([]);
  });
});

describe("the one door to the outside", () => {
  const inRoom = (rooms: string): readonly RepoFile[] => {
    const source = new RegExp(`^packages/(${rooms})/src/`);
    return CODE.filter(({ path }) => source.test(path) && !isTest(path));
  };
  const doors = [
    /\/(runtime|host)[^/]*\.ts$/,
    // Compares the host's file times with the host's clock.
    /^packages\/core\/src\/lib\/node\/spool-owner\.ts$/,
    // Gives up on real work under a fake clock, which only real time can tell.
    /^packages\/testing\/src\/lib\/event-loop\.ts$/,
    // A real server in real time.
    /^packages\/testing\/src\/lib\/node-server\.ts$/,
  ];
  const governed = inRoom("protocol|engine|policies|core|testing|cli").filter(
    ({ path }) => !doors.some((door) => door.test(path)),
  );

  it.each<[RegExp, string]>([
    [/\bMath\.random\b/, "use `runtime.random`"],
    [/\bDate\.now\b/, "use `runtime.clock`"],
    [/\bnew Date(\(\)|;|$)/, "the current time; use `runtime.clock`"],
    [/\bperformance\.now\b/, "use `runtime.clock.monotonicMs`"],
    [/\bAbortSignal\.timeout\b/, "a host timer; use `runtime.timers`"],
    [/\brandomUUID\b/, "use `runtime.newId`"],
  ])("%s is in no source but runtime and host files", (pattern, what) => {
    expect(problems(governed, pattern, what)).toEqual([]);
  });

  it("the engine and the protocol are synchronous", () => {
    const pattern = /\basync\s*(function\b|\*|\(|\w+\s*(=>|\())|\bawait\s+\w|\bPromise\b[<(.]/;
    const code = inRoom("protocol|engine").map((file) => ({ ...file, text: withoutComments(file.text) }));
    expect(problems(code, pattern, "asynchronous; deciding waits for nothing")).toEqual([]);
  });
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, (comment) => comment.replace(/[^\n]/g, " "));
}

describe("files", () => {
  it("no source is longer than 400 lines", () => {
    // The protocol's entry is a list of its names, which grows with them.
    const sources = CODE.filter(({ path }) => !isTest(path) && path !== "packages/protocol/src/index.ts");
    const long = sources.filter(({ text }) => text.split("\n").length > 401);
    expect(long.map(({ path, text }) => `${path}: ${text.split("\n").length - 1} lines`)).toEqual([]);
  });

  it("no file is a dump named after nothing", () => {
    const dumps = CODE.filter(({ path }) => /\/(utils?|helpers?|types|misc|common|constants)\.ts$/.test(path));
    expect(dumps.map(({ path }) => `${path}: name the noun that it is about`)).toEqual([]);
  });

  it("every test has a name that the test run finds", () => {
    const pattern = /^(packages\/[^/]+\/src|scripts|examples\/[^/]+\/src)\/.*\.test\.ts$/;
    const tests = CODE.filter(({ text }) => /from "vitest"/.test(text) && /^\s*(describe|it|test)[.(]/m.test(text));
    // A contract suite takes `describe` and `it` from its caller, so that only test files import vitest for them.
    expect(tests.map(({ path }) => path).filter((path) => !pattern.test(path))).toEqual([]);
  });

  it("documents end with one line feed", () => {
    const wrong = DOCUMENTS.filter(({ text }) => text.includes("\r") || !/[^\n]\n$/.test(text));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });
});

describe("documents", () => {
  const titles = DOCUMENTS.filter(({ path }) => !path.startsWith(".changeset/") || path.endsWith("README.md"));

  it.each(titles.map(({ path, text }) => [path, text] as const))("%s has one title", (_path, text) => {
    expect(headingsOf(text).filter(({ level }) => level === 1)).toHaveLength(1);
  });

  it("every link to a file of the repository resolves", () => {
    expect(DOCUMENTS.flatMap(brokenLinks)).toEqual([]);
  });

  it("every path that a document names is there", () => {
    expect(DOCUMENTS.flatMap(deadPaths)).toEqual([]);
  });
});

/** Paths in code quotes that begin with a folder of the repository; those with a placeholder name no file. */
function deadPaths({ path, text }: RepoFile): readonly string[] {
  return text
    .split("\n")
    .flatMap((line, index) =>
      [...line.matchAll(/`((?:packages|scripts|spec|docs|examples|bench|\.changeset)\/[\w@./-]+)`/g)]
        .filter(([, named = ""]) => !existsSync(join(REPO_ROOT, named)))
        .map(([, named = ""]) => `${path}:${index + 1}: \`${named}\` is not there`),
    );
}

function brokenLinks({ path, text }: RepoFile): readonly string[] {
  return linksOf(text).flatMap(({ target, line }) => {
    if (/^[a-z][a-z+.-]*:/.test(target)) return [];
    const [file = "", anchor] = target.split("#");
    const at = file === "" ? path : normalize(join(dirname(path), decodeURI(file)));
    if (at.startsWith("..") || !existsSync(join(REPO_ROOT, at))) return [`${path}:${line}: \`${target}\` is not there`];
    if (anchor === undefined || !at.endsWith(".md")) return [];
    const found = headingsOf(readFileSync(join(REPO_ROOT, at), "utf8")).some((heading) => heading.anchor === anchor);
    return found ? [] : [`${path}:${line}: \`${target}\` names no heading`];
  });
}
