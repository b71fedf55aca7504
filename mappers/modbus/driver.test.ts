import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { silentLogger } from "@skerry/base";
import { systemClock, systemRandom } from "@skerry/base/platform";
import type { DriverContext, DriverSession, PropertyAccess, PropertyType } from "@skerry/mapper";
import { server as servers } from "jsmodbus";
import driver from "./driver.ts";

/** A Modbus TCP device of another library. */
class Device {
  readonly holding: Buffer = Buffer.alloc(64);
  readonly coils: Buffer = Buffer.alloc(8);
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  connections = 0;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
    server.on("connection", (socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    new servers.TCP(server, {
      holding: this.holding,
      input: this.holding,
      coils: this.coils,
      discrete: this.coils,
    });
  }

  static async start(context: TestContext, port = 0): Promise<Device> {
    const server = createServer();
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const device = new Device(server, typeof address === "object" && address !== null ? address.port : 0);
    context.after(() => device.stop());
    return device;
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** The port of a server that ends with the test. */
async function listening(context: TestContext, server: Server, connections: ReadonlySet<Socket>): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => {
    for (const socket of connections) socket.destroy();
    server.close();
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function call(signal: AbortSignal = new AbortController().signal): DriverContext {
  return { deviceId: "default/d", signal, clock: systemClock, random: systemRandom, logger: silentLogger };
}

async function open(context: TestContext, device: Device, config = {}): Promise<DriverSession> {
  // As KubeEdge's examples write it.
  const session = await driver.open(
    { communicateMode: "TCP", ip: "127.0.0.1", port: String(device.port), slaveID: 1, ...config },
    call(),
  );
  context.after(() => session.close());
  return session;
}

function property(
  session: DriverSession,
  type: PropertyType,
  register: string,
  offset: number,
  more = {},
): PropertyAccess {
  return session.property({ name: "p", type, config: { dataType: "int", register, offset, limit: 1, ...more } });
}

test("registers and coils of a Modbus TCP device are read", async (context) => {
  const device = await Device.start(context);
  device.holding.writeUInt16BE(213, 4);
  device.holding.writeFloatBE(21.5, 8);
  device.coils[0] = 0b101;
  const session = await open(context, device);
  assert.equal(await property(session, "float", "HoldingRegister", 2).read(call()), 213);
  assert.equal(await property(session, "float", "InputRegister", 4, { limit: 2 }).read(call()), 21.5);
  assert.equal(await property(session, "boolean", "CoilRegister", 2).read(call()), true);
  assert.equal(await property(session, "int", "DiscreteInputRegister", 1).read(call()), 0);
  assert.equal(await property(session, "int", "CoilRegister", 0, { limit: 3 }).read(call()), 5);
});

test("what is written lands in the device and is read back", async (context) => {
  const device = await Device.start(context);
  const session = await open(context, device);
  const setpoint = property(session, "int", "HoldingRegister", 3);
  await setpoint.write?.(1_234, call());
  assert.equal(device.holding.readUInt16BE(6), 1_234);
  const wide = property(session, "float", "HoldingRegister", 8, { limit: 2, isRegisterSwap: true });
  await wide.write?.(-7.25, call());
  assert.equal(await wide.read(call()), -7.25);
  const lamp = property(session, "boolean", "CoilRegister", 5);
  await lamp.write?.(true, call());
  assert.equal(device.coils[0], 0b100000);
  const input = property(session, "int", "InputRegister", 3);
  await assert.rejects(async () => await input.write?.(1, call()), /InputRegister cannot be written/);
  await assert.rejects(async () => await setpoint.write?.(70_000, call()), /does not fit/);
});

test("an address that the device refuses is its property's failure, and the connection stays", async (context) => {
  const connections = new Set<Socket>();
  const refusing = createServer((socket) => {
    connections.add(socket);
    socket.on("data", (request) => {
      const isKnown = request.readUInt16BE(8) === 0;
      const answer = isKnown ? [request[6] ?? 0, 3, 2, 0, 42] : [request[6] ?? 0, 0x83, 2];
      socket.write(Buffer.from([request[0] ?? 0, request[1] ?? 0, 0, 0, 0, answer.length, ...answer]));
    });
  });
  const port = await listening(context, refusing, connections);
  const session = await driver.open({ ip: "127.0.0.1", port }, call());
  context.after(() => session.close());
  for (let count = 0; count < 5; count++)
    await assert.rejects(property(session, "int", "HoldingRegister", 5_000).read(call()), /illegal data address/i);
  assert.equal(await property(session, "int", "HoldingRegister", 0).read(call()), 42);
  assert.equal(connections.size, 1);
});

test("devices behind one address share a connection, which is closed with the last of them", async (context) => {
  const device = await Device.start(context);
  const [one, two] = [await open(context, device), await open(context, device, { slaveID: 2 })];
  await Promise.all([one, two].map((session) => property(session, "int", "HoldingRegister", 0).read(call())));
  assert.equal(device.connections, 1);
  await one.close();
  await property(two, "int", "HoldingRegister", 0).read(call());
  await two.close();
  while (device.openConnections > 0) await new Promise((resolve) => setImmediate(resolve));
});

test("a device that went away is reached again by the next open", async (context) => {
  const device = await Device.start(context);
  const session = await open(context, device, { timeout: 200 });
  await device.stop();
  const reading = property(session, "int", "HoldingRegister", 0);
  const told: unknown[] = [];
  for (let count = 0; count < 4; count++) told.push(await reading.read(call()).catch(String));
  assert.match(told.join("\n"), /Port Not Open/, "the library's own word, which it throws as a plain object");
  assert.doesNotMatch(told.join("\n"), /[{}]|object Object/);
  await session.close();
  await assert.rejects(open(context, device, { timeout: 200 }));
  const back = await Device.start(context, device.port);
  const again = await open(context, back);
  assert.equal(await property(again, "int", "HoldingRegister", 0).read(call()), 0);
});

test("a device that never answers costs a time limit, and a call that is aborted ends at once", async (context) => {
  const connections = new Set<Socket>();
  const silent = createServer((socket) => connections.add(socket));
  const port = await listening(context, silent, connections);
  const session = await driver.open({ ip: "127.0.0.1", port, timeout: 100 }, call());
  await assert.rejects(property(session, "int", "HoldingRegister", 0).read(call()), /timed out/i);
  await session.close();
  const patient = await driver.open({ ip: "127.0.0.1", port, timeout: 9_000 }, call());
  const stop = new AbortController();
  const reading = property(patient, "int", "HoldingRegister", 0).read(call(stop.signal));
  stop.abort(new Error("given up"));
  await assert.rejects(reading, /given up/);
  await patient.close();
});

test("a configuration that does not fit names the member", async () => {
  await assert.rejects(driver.open({ port: "abc" }, call()), /configData\.port/);
  await assert.rejects(driver.open({ communicateMode: "RTU" }, call()), /configData\.serialName/);
  await assert.rejects(driver.open({ communicateMode: "UDP" }, call()), /configData\.communicateMode/);
});
