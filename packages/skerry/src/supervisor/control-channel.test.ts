import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { unknownNode } from "../errors.ts";
import { prepareHome, type SkerryHome, skerryHome } from "../skerry-home.ts";
import { askSupervisor, type ControlRequest, controlSocketPath } from "./control-channel.ts";
import { ControlServer } from "./control-server.ts";

function scratchHome(context: TestContext, name = "skerry-control-"): SkerryHome {
  const folder = mkdtempSync(join(tmpdir(), name));
  context.after(() => rmSync(folder, { recursive: true }));
  const home = skerryHome({ SKERRY_HOME: folder });
  prepareHome(home);
  return home;
}

test("a request is answered over the socket, which only its owner may use", async (context) => {
  const home = scratchHome(context);
  await using server = new ControlServer(controlSocketPath(home), async (request: ControlRequest) => ({
    got: request.command,
  }));
  await server.start();
  assert.deepEqual(await askSupervisor(home, { command: "status" }), { got: "status" });
  assert.equal(statSync(controlSocketPath(home)).mode & 0o777, 0o600);
});

test("a coded error of the supervisor reaches who asked, code and advice included", async (context) => {
  const home = scratchHome(context);
  await using server = new ControlServer(controlSocketPath(home), async () => {
    throw unknownNode("edge-node-9", ["edge-node-1"]);
  });
  await server.start();
  await assert.rejects(askSupervisor(home, { command: "cut", node: "edge-node-9" }), (error) => {
    assert.ok(isSkerryError(error, "SKERRY_UNKNOWN_NODE"));
    assert.match(error.advice, /edge-node-1/);
    return true;
  });
});

test("asking where nothing runs gives a coded error", async (context) => {
  await assert.rejects(askSupervisor(scratchHome(context), { command: "status" }), (error) =>
    isSkerryError(error, "SKERRY_NOT_RUNNING"),
  );
});

test("a file that is no socket is not taken away for one", async (context) => {
  const file = join(scratchHome(context).folder, "notes.txt");
  writeFileSync(file, "mine");
  await assert.rejects(new ControlServer(file, async () => "ok").start());
  assert.equal(readFileSync(file, "utf8"), "mine");
});

test("a home folder with a path too long for a socket works", async (context) => {
  const home = scratchHome(context, `skerry-${"long".repeat(30)}-`);
  await using server = new ControlServer(controlSocketPath(home), async () => "ok");
  await server.start();
  assert.equal(await askSupervisor(home, { command: "status" }), "ok");
});

test("a client that sends something else gets an error or is cut off, and the server goes on", async (context) => {
  const home = scratchHome(context);
  await using server = new ControlServer(controlSocketPath(home), async () => "ok");
  await server.start();
  const client = connect(controlSocketPath(home));
  client.write("GET / HTTP/1.1\r\n");
  const [answer] = await once(client, "data");
  assert.match(String(answer), /"ok":false/);
  const flood = connect(controlSocketPath(home));
  flood.on("error", () => {});
  flood.write("x".repeat(200_000));
  await new Promise<void>((resolve) => flood.once("close", () => resolve()));
  assert.equal(await askSupervisor(home, { command: "status" }), "ok");
});
