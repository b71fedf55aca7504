// `node tools/with-node.mjs examples/modbus/simulator.ts [PORT]` is a boiler that speaks Modbus TCP, by the
// server of the npm package jsmodbus. Holding register 0 has its temperature, register 1 what it should have (both in
// tenths of a degree), coil 0 lets it heat.
import { createServer } from "node:net";
import { server as servers } from "jsmodbus";

const port = Number(process.argv[2] ?? 5020);
const holding = Buffer.alloc(4);
const coils = Buffer.alloc(1, 1);
holding.writeUInt16BE(182, 0);
holding.writeUInt16BE(210, 2);

const listener = createServer();
const boiler = new servers.TCP(listener, { holding, coils });
const tell = (): void =>
  console.log(`register 1 is now ${holding.readUInt16BE(2)}, coil 0 is ${(coils[0] ?? 0) & 1 ? "on" : "off"}`);
boiler.on("postWriteSingleRegister", tell);
boiler.on("postWriteSingleCoil", tell);

setInterval(() => {
  const [isHeating, temperature, target] = [(coils[0] ?? 0) & 1, holding.readUInt16BE(0), holding.readUInt16BE(2)];
  const goal = isHeating ? target : 150;
  if (temperature !== goal) holding.writeUInt16BE(temperature + Math.sign(goal - temperature), 0);
}, 500);

listener.listen(port, "127.0.0.1", () => console.log(`A boiler answers on 127.0.0.1:${port}`));
