import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { SpdyStream } from "@skerry/streams/platform";
import { portForwardSession } from "./port-forward-session.ts";

test("a way into the pod that cannot be made is told to the client, and ends nothing else", async () => {
  const session = portForwardSession(() => {
    throw new Error("too many open files");
  });
  const sent: string[] = [];
  const open = (id: number, type: string): SpdyStream =>
    new SpdyStream(
      id,
      new Map([
        ["streamtype", type],
        ["requestid", "1"],
        ["port", "80"],
      ]),
      async (frame) => void sent.push(Buffer.from(frame).toString("latin1")),
    );
  const error = open(1, "error");
  const data = open(3, "data");
  session.onStream(error);
  session.onStream(data);
  await Promise.all([once(error, "finish"), once(data, "finish")]);
  assert.match(sent.join(), /too many open files/);
});
