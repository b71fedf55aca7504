import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type JsonObject, silentLogger } from "@skerry/base";
import { systemClock, systemRandom } from "@skerry/base/platform";
import type { DriverContext, DriverSession, DriverValue, PropertyAccess, PropertyType } from "@skerry/mapper";
import { OPCUACertificateManager } from "node-opcua-certificate-manager";
import { DataType, MessageSecurityMode, SecurityPolicy, VariantArrayType } from "node-opcua-client";
import { OPCUAServer } from "node-opcua-server";
import driver from "./driver.ts";

function call(signal: AbortSignal = new AbortController().signal): DriverContext {
  return { deviceId: "default/d", signal, clock: systemClock, random: systemRandom, logger: silentLogger };
}

function property(session: DriverSession, type: PropertyType, nodeID: string): PropertyAccess {
  return session.property({ name: "p", type, config: { nodeID, samplingInterval: 50 } });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

describe("an OPC UA server", { timeout: 110_000 }, () => {
  let folder: string;
  let server: OPCUAServer;
  let url: string;
  let setTemperature: (value: number) => void = () => undefined;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "skerry-opcua-"));
    const port = await freePort();
    server = new OPCUAServer({
      port,
      host: "127.0.0.1",
      nodeset_filename: [],
      securityModes: [MessageSecurityMode.None, MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt],
      securityPolicies: [
        SecurityPolicy.None,
        SecurityPolicy.Basic256Sha256,
        SecurityPolicy.Aes128_Sha256_RsaOaep,
        SecurityPolicy.Aes256_Sha256_RsaPss,
      ],
      userManager: { isValidUser: (name: string, password: string) => name === "testuser" && password === "secret" },
      serverCertificateManager: new OPCUACertificateManager({
        rootFolder: join(folder, "server-pki"),
        automaticallyAcceptUnknownCertificate: true,
      }),
    });
    await server.initialize();
    const addressSpace = server.engine.addressSpace;
    assert.ok(addressSpace);
    const space = addressSpace.getOwnNamespace();
    const machine = space.addObject({ organizedBy: addressSpace.rootFolder.objects, browseName: "Machine" });
    const variable = (nodeId: string, dataType: DataType, value: unknown): ReturnType<typeof space.addVariable> =>
      space.addVariable({
        componentOf: machine,
        browseName: nodeId,
        nodeId: `s=${nodeId}`,
        dataType: DataType[dataType],
        value: { dataType, arrayType: VariantArrayType.Scalar, value },
      });
    const temperature = variable("temperature", DataType.Double, 21.5);
    setTemperature = (value) => temperature.setValueFromSource({ dataType: DataType.Double, value });
    variable("setpoint", DataType.Int16, 20);
    variable("big", DataType.Int64, [0xffff_ffff, 0xffff_fffe]);
    variable("switch", DataType.Boolean, false);
    variable("label", DataType.String, "one");
    await server.start();
    url = `opc.tcp://127.0.0.1:${port}`;
  });
  after(async () => {
    await server.shutdown(0);
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  });

  const open = (config: JsonObject = {}): Promise<DriverSession> =>
    driver.open({ url, pki: join(folder, "client-pki"), ...config }, call());

  test("its values are read and written as the types of their nodes", async () => {
    const session = await open();
    try {
      assert.equal(await property(session, "double", "ns=1;s=temperature").read(call()), 21.5);
      assert.equal(await property(session, "int", "ns=1;s=big").read(call()), -2n);
      for (const [type, node, value] of [
        ["int", "setpoint", 23],
        ["boolean", "switch", true],
        ["string", "label", "two"],
        ["int", "big", 2n ** 60n],
      ] as const) {
        const access = property(session, type, `ns=1;s=${node}`);
        await access.write?.(value, call());
        assert.equal(await access.read(call()), value);
      }
      await assert.rejects(property(session, "int", "ns=1;s=nothing").read(call()), /ns=1;s=nothing: .*exist/i);
    } finally {
      await session.close();
    }
  });

  test("it tells changes by itself, until the subscription ends", async () => {
    const session = await open();
    try {
      const seen: DriverValue[] = [];
      const stop = new AbortController();
      const temperature = property(session, "double", "ns=1;s=temperature");
      await temperature.subscribe?.((value) => seen.push(value), call(stop.signal));
      const until = async (value: number): Promise<void> => {
        while (!seen.includes(value)) await new Promise((resolve) => setTimeout(resolve, 20));
      };
      await until(21.5);
      setTemperature(22.25);
      await until(22.25);
      stop.abort();
      const count = seen.length;
      setTemperature(23);
      assert.equal(await temperature.read(call()), 23);
      assert.equal(seen.length, count);
    } finally {
      await session.close();
    }
  });

  const account = { userName: "testuser", password: "secret" };
  for (const securityPolicy of ["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"])
    for (const securityMode of ["Sign", "SignAndEncrypt"])
      test(`${securityPolicy} with certificates and a user, ${securityMode}`, async () => {
        const session = await open({ ...account, securityPolicy, securityMode, acceptUnknownServer: true });
        try {
          const setpoint = property(session, "int", "ns=1;s=setpoint");
          const value = securityMode === "Sign" ? 31 : 32;
          await setpoint.write?.(value, call());
          assert.equal(await setpoint.read(call()), value);
        } finally {
          await session.close();
        }
      });

  test("a wrong password and an unknown server are refused", async () => {
    const secure = { ...account, securityPolicy: "Basic256Sha256" };
    await assert.rejects(
      open({ ...secure, password: "wrong", acceptUnknownServer: true }),
      /Identity|Access|rejected/i,
    );
    await assert.rejects(open({ ...secure, pki: join(folder, "other-pki") }), /certificate|untrusted/i);
  });

  test("a server that is not there and a configuration that does not fit are told", async () => {
    await assert.rejects(open({ url: `opc.tcp://127.0.0.1:${await freePort()}` }));
    await assert.rejects(driver.open({}, call()), /configData\.url/);
    await assert.rejects(open({ securityPolicy: "Basic1" }), /configData\.securityPolicy/);
  });
});
