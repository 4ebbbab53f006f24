import { describe, expect, it } from "vitest";
import { HEARTBEAT_SECONDS, STREAM_BUFFER_SIZE_BYTES_MAX } from "../limits.ts";
import type { FrameSink } from "./frame-sink.ts";
import { manualRuntime } from "./manual-runtime.fixture.ts";
import { StreamSet } from "./stream-set.ts";

function client(waitingSizeBytes = 0) {
  const frames: string[] = [];
  const state = { isEnded: false, waitingSizeBytes };
  const sink: FrameSink = {
    write: (frame) => frames.push(String(frame)),
    get waitingSizeBytes() {
      return state.waitingSizeBytes;
    },
    end: () => {
      state.isEnded = true;
    },
  };
  return { frames, state, sink };
}

describe("open streams", () => {
  it("beat once in every interval, each at its own second, until the last is closed", async () => {
    const runtime = manualRuntime();
    const streams = new StreamSet<number>(runtime, "beat");
    const clients = Array.from({ length: 40 }, () => client());
    const open = clients.map(({ sink }, at) => streams.open(at, sink));
    await runtime.advance(HEARTBEAT_SECONDS * 1_000);
    expect(clients.map(({ frames }) => frames)).toEqual(clients.map(() => ["beat"]));
    for (const stream of open) streams.close(stream);
    expect([streams.size, runtime.timerCount]).toEqual([0, 0]);
    const again = client();
    streams.open(1, again.sink);
    await runtime.advance(HEARTBEAT_SECONDS * 2_000);
    expect(again.frames).toEqual(["beat", "beat"]);
  });

  it("cut off who does not take what it gets, and send nothing to who has gone", () => {
    const streams = new StreamSet<string>(manualRuntime(), "beat");
    const slow = client();
    const gone = client();
    const slowStream = streams.open("slow", slow.sink);
    const goneStream = streams.open("gone", gone.sink);
    expect(streams.send(slowStream, "a")).toBe(true);
    slow.state.waitingSizeBytes = STREAM_BUFFER_SIZE_BYTES_MAX + 1;
    expect([streams.send(slowStream, "b"), slow.state.isEnded, slow.frames, streams.cutCount]).toEqual([
      false,
      true,
      ["a"],
      1,
    ]);
    streams.close(goneStream);
    expect([streams.send(goneStream, "a"), gone.frames, gone.state.isEnded]).toEqual([false, [], false]);
  });

  it("end all at once", () => {
    const streams = new StreamSet<number>(manualRuntime(), "beat");
    const clients = [client(), client()];
    for (const [at, { sink }] of clients.entries()) streams.open(at, sink);
    streams.endAll();
    expect([streams.size, clients.map(({ state }) => state.isEnded)]).toEqual([0, [true, true]]);
  });
});
