import modbusSerial from "modbus-serial";

/** The library's class; its package is CommonJS. */
const ModbusClient: typeof modbusSerial.default = modbusSerial.default;
type ModbusClient = InstanceType<typeof modbusSerial.default>;

/** Where the devices of one bus are found. */
export type BusAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | {
      readonly kind: "rtu";
      /** The serial port: `/dev/ttyUSB0`. */
      readonly path: string;
      readonly baudRate: number;
      readonly dataBits: number;
      readonly stopBits: number;
      readonly parity: "none" | "even" | "odd";
    };

/** So many calls in a row without an answer mean that the connection is gone, not a single device. */
const FAILURES_UNTIL_CLOSED = 3;
/** Exceptions that a device answers carry this; everything else speaks for the connection. */
const isAnswer = (error: unknown): boolean =>
  error instanceof Error && (error as Error & { readonly modbusCode?: unknown }).modbusCode !== undefined;

/**
 * One connection that devices share: a serial line carries one request at a time, and many Modbus TCP devices and
 * gateways take few connections.
 */
export class Bus {
  readonly #client: ModbusClient;
  readonly #onClose: () => void;
  #last: Promise<unknown> = Promise.resolve();
  #failures = 0;

  constructor(client: ModbusClient, onClose: () => void) {
    this.#client = client;
    this.#onClose = onClose;
    client.on("close", onClose);
    client.on("error", onClose);
  }

  /**
   * Runs a request to one device, after those before it.
   * @throws what the device answers, or that it does not
   */
  request<T>(
    unit: number,
    { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
    work: (client: ModbusClient) => Promise<T>,
  ): Promise<T> {
    const run = async (): Promise<T> => {
      signal.throwIfAborted();
      this.#client.setID(unit);
      this.#client.setTimeout(timeoutMs);
      try {
        const result = await work(this.#client);
        this.#failures = 0;
        return result;
      } catch (error) {
        if (isAnswer(error)) this.#failures = 0;
        else if (++this.#failures >= FAILURES_UNTIL_CLOSED || !this.#client.isOpen) await this.close();
        throw asError(error);
      }
    };
    const result = this.#last.then(run, run);
    this.#last = result.catch(() => undefined);
    return orAborted(result, signal);
  }

  /** Also in the midst of a request, which then fails. */
  async close(): Promise<void> {
    this.#onClose();
    if (this.#client.isOpen) await new Promise<void>((resolve) => this.#client.close(resolve));
  }
}

/** The buses that are open, by address. */
export class Buses {
  readonly #open = new Map<string, { users: number; readonly bus: Promise<Bus> }>();

  /** Connects, or shares the connection that there is; disposing gives it back. */
  async acquire(address: BusAddress, timeoutMs: number): Promise<{ readonly bus: Bus; release(): Promise<void> }> {
    const key = JSON.stringify(address);
    const forget = (): void => {
      if (this.#open.get(key) === entry) this.#open.delete(key);
    };
    const entry = this.#open.get(key) ?? {
      users: 0,
      bus: connect(address, timeoutMs).then((client) => new Bus(client, forget)),
    };
    this.#open.set(key, entry);
    entry.users++;
    try {
      const bus = await entry.bus;
      const release = async (): Promise<void> => {
        if (--entry.users === 0) await bus.close();
      };
      return { bus, release };
    } catch (error) {
      forget();
      throw error;
    }
  }
}

async function connect(address: BusAddress, timeoutMs: number): Promise<ModbusClient> {
  const client = new ModbusClient();
  client.setTimeout(timeoutMs);
  try {
    if (address.kind === "tcp") await client.connectTCP(address.host, { port: address.port, timeout: timeoutMs });
    else {
      const { path, baudRate, dataBits, stopBits, parity } = address;
      await client.connectRTUBuffered(path, { baudRate, dataBits, stopBits, parity });
    }
    return client;
  } catch (error) {
    client.close(() => undefined);
    throw error;
  }
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** The library throws plain objects too, with a name and a message: `{ name: "PortNotOpenError", message: … }`. */
function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  const isObject = typeof thrown === "object" && thrown !== null;
  return new Error(isObject && "message" in thrown ? String(thrown.message) : String(thrown));
}
