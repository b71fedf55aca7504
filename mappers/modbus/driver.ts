import { choice, type Driver, defineDriver, flag, integer, optional, text } from "@skerry/mapper";
import { type BusAddress, Buses } from "./bus.ts";
import { decodeCoils, decodeRegisters, encodeCoils, encodeRegisters } from "./registers.ts";

const buses = new Buses();

/**
 * Modbus TCP and RTU with the keys of KubeEdge's Modbus mappers; `scale`, `min`, `max` and `deadBand` of a property are
 * the SDK's.
 */
const driver: Driver = defineDriver({
  protocol: "modbus",
  deviceConfig: {
    /** Without it a serial port means RTU. */
    communicateMode: optional(choice("TCP", "RTU")),
    slaveID: integer(0, 255, 1),
    ip: text("127.0.0.1"),
    port: integer(1, 65_535, 502),
    /** The older name is serialPort. */
    serialName: text(""),
    serialPort: text(""),
    baudRate: integer(50, 4_000_000, 9600),
    dataBits: integer(5, 8, 8),
    stopBits: integer(1, 2, 1),
    parity: choice("none", "even", "odd"),
    /** How long a device may take to answer, in milliseconds. */
    timeout: integer(1, 9_000, 3_000),
  },
  propertyConfig: {
    register: choice("HoldingRegister", "InputRegister", "CoilRegister", "DiscreteInputRegister"),
    /** Counted from 0. */
    offset: integer(0, 65_535),
    limit: integer(1, 125, 1),
    isSwap: flag(false),
    isRegisterSwap: flag(false),
    format: choice("auto", "unsigned", "signed", "float"),
  },
  async open(config) {
    const { communicateMode, slaveID, ip, port, baudRate, dataBits, stopBits, parity, timeout } = config;
    const path = config.serialName || config.serialPort;
    const isSerial = communicateMode === "RTU" || (communicateMode === undefined && path !== "");
    if (isSerial && path === "") throw new Error("configData.serialName is missing; RTU needs a serial port");
    const address: BusAddress = isSerial
      ? { kind: "rtu", path, baudRate, dataBits, stopBits, parity }
      : { kind: "tcp", host: ip, port };
    return { ...(await buses.acquire(address, timeout)), unit: slaveID, timeoutMs: timeout };
  },
  read({ bus, unit, timeoutMs }, { type, config }, { signal }) {
    const { register, offset, limit } = config;
    return bus.request(unit, { signal, timeoutMs }, async (client) => {
      switch (register) {
        case "HoldingRegister":
          return decodeRegisters((await client.readHoldingRegisters(offset, limit)).data, type, config);
        case "InputRegister":
          return decodeRegisters((await client.readInputRegisters(offset, limit)).data, type, config);
        case "CoilRegister":
          return decodeCoils((await client.readCoils(offset, limit)).data.slice(0, limit), type);
        case "DiscreteInputRegister":
          return decodeCoils((await client.readDiscreteInputs(offset, limit)).data.slice(0, limit), type);
      }
    });
  },
  async write({ bus, unit, timeoutMs }, { type, config }, value, { signal }) {
    const { register, offset, limit } = config;
    if (register !== "HoldingRegister" && register !== "CoilRegister") throw new Error(`${register} cannot be written`);
    await bus.request(unit, { signal, timeoutMs }, async (client) => {
      if (register === "CoilRegister") {
        const coils = encodeCoils(value, limit);
        if (limit === 1) await client.writeCoil(offset, coils[0] ?? false);
        else await client.writeCoils(offset, coils);
        return;
      }
      const words = encodeRegisters(value, type, config);
      if (limit === 1) await client.writeRegister(offset, words[0] ?? 0);
      else await client.writeRegisters(offset, words);
    });
  },
  close: ({ release }) => release(),
});
export default driver;
