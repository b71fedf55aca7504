import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { isSkerryError, SkerryError } from "@skerry/base";
import { checkPorts, freePort } from "./port-check.ts";

test("a port in use gives a coded error that names the holder and the option", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const wanted = { address: "127.0.0.1", port: address.port, purpose: "Kubernetes API", option: "--api-port" };
  await assert.rejects(checkPorts([wanted]), (error) => {
    assert.ok(error instanceof SkerryError);
    assert.equal(error.code, "SKERRY_PORT_IN_USE");
    assert.match(error.message, new RegExp(`in use by node .*port-check.test.ts.* \\(process ${process.pid}\\)`));
    assert.match(error.advice, /--api-port/);
    return true;
  });
  server.close();
  await once(server, "close");
  await checkPorts([wanted]);
});

test("a free port is the wanted one, or another when that is taken", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  assert.notEqual(await freePort("127.0.0.1", address.port), address.port);
  server.close();
  await once(server, "close");
  assert.equal(await freePort("127.0.0.1", address.port), address.port);
});

test("two parts on one port and an address of another machine are usage errors", async () => {
  const wanted = { address: "127.0.0.1", port: await freePort("127.0.0.1"), purpose: "CloudHub", option: "--hub-port" };
  await assert.rejects(
    checkPorts([wanted, { ...wanted, option: "--mqtt-port" }]),
    (error) => isSkerryError(error, "SKERRY_USAGE") && /--hub-port and --mqtt-port/.test(error.message),
  );
  await assert.rejects(
    checkPorts([{ ...wanted, address: "198.51.100.7" }]),
    (error) => isSkerryError(error, "SKERRY_USAGE") && /198\.51\.100\.7/.test(error.message),
  );
});
