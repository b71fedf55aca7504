// One node floods CloudCore and one never reads, over real connections; a third goes on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock as clock, systemRandom as random } from "@skerry/base/platform";
import { decodeMessage, encodeMessage, type LinkConnection, type Message, newMessage } from "@skerry/link";
import { SecuredCloud } from "./testing/secured-cloud.ts";
import { giveObjects } from "./testing/two-nodes.ts";

const MEBIBYTE = 1024 * 1024;

test("a node that floods, and one that never reads, cost bounded memory; others are answered meanwhile", async () => {
  await using cloud = await SecuredCloud.start();
  const connect = async (name: string): Promise<LinkConnection> => {
    await giveObjects(cloud.api, name);
    return cloud.dial(await cloud.certificate(name), name);
  };
  const query = (name: string): Message =>
    newMessage(
      { clock, random },
      { source: "edged", group: "meta", operation: "query", resource: `default/node/${name}` },
      null,
    );
  const backlogOf = async (name: string) => {
    const { link } = await cloud.core.trace(name);
    return link.state === "connected" ? link.backlog : assert.fail(`${name} is ${link.state}`);
  };

  const stopped = new AbortController();
  const flood = async (name: string, reads: boolean): Promise<void> => {
    const connection = await connect(name);
    connection.start({ onFrame: () => undefined, onClose: () => undefined });
    if (!reads) connection.pause();
    while (!stopped.signal.aborted) {
      for (let count = 0; count < 200 && connection.bufferedBytes < MEBIBYTE; count++)
        connection.send(encodeMessage(query(name)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    connection.close(1000, "");
  };
  const floods = [flood("flooding", true), flood("deaf", false)];

  const honest = await connect("honest");
  let wanted = "";
  let answered = Promise.withResolvers<void>();
  honest.start({
    onFrame: (text) => {
      if (decodeMessage(text).header.parent_msg_id === wanted) answered.resolve();
    },
    onClose: ({ reason }) => answered.reject(new Error(reason)),
  });
  const ask = async (): Promise<void> => {
    answered = Promise.withResolvers();
    const message = query("honest");
    wanted = message.header.msg_id;
    honest.send(encodeMessage(message));
    await answered.promise;
  };
  // Until both are held back, the honest node asks; and once more afterwards.
  for (let heldBack = false; !heldBack; ) {
    await ask();
    const both = cloud.core.cloudHub.connectedNodes;
    if (!both.has("flooding") || !both.has("deaf")) continue;
    const backlogs = [await backlogOf("flooding"), await backlogOf("deaf")];
    for (const { messagesToHandle, bytesToSend } of backlogs)
      assert.ok(messagesToHandle <= 8_192 && bytesToSend <= 8 * MEBIBYTE, JSON.stringify(backlogs));
    heldBack = backlogs.every(({ throttledCount }) => throttledCount > 0);
  }
  await ask();
  stopped.abort();
  await Promise.all(floods);
});
