import type { Clock, JsonObject, Logger, Random } from "@skerry/base";
import { type Config, parseConfig, type Schema } from "./config-schema.ts";
import type { DriverValue, PropertyType, PropertyValue } from "./property-value.ts";

/** What each call to a driver gets besides what it is about. */
export interface DriverContext {
  /** The device's `<namespace>/<name>`. */
  readonly deviceId: string;
  /** Aborted when the call has taken too long or the device goes. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A property of a device as its driver sees it. */
export interface DriverProperty<PropertyConfig> {
  readonly name: string;
  readonly type: PropertyType;
  /** How to reach the value: the property's `visitors.configData`. */
  readonly config: PropertyConfig;
}

/** What the writer of a driver writes. Calls for one device come one at a time. */
export interface DriverDefinition<D extends Schema, P extends Schema, Session> {
  /** The `protocolName` of the Devices that it drives. */
  readonly protocol: string;
  /** Members of the Device's `protocol.configData`. @default none */
  readonly deviceConfig?: D;
  /** Members of a property's `visitors.configData`. @default none */
  readonly propertyConfig?: P;
  /** Reaches the device; what it throws takes the device offline, and it is tried again. */
  open(config: Config<D>, context: DriverContext): Session | Promise<Session>;
  read(
    session: Session,
    property: DriverProperty<Config<P>>,
    context: DriverContext,
  ): DriverValue | Promise<DriverValue>;
  /** Without it properties cannot be written. */
  write?(
    session: Session,
    property: DriverProperty<Config<P>>,
    value: PropertyValue,
    context: DriverContext,
  ): void | Promise<void>;
  /** Lets the device tell changes by itself, until the context's signal; it is read each cycle all the same. */
  subscribe?(
    session: Session,
    property: DriverProperty<Config<P>>,
    emit: (value: DriverValue) => void,
    context: DriverContext,
  ): void | Promise<void>;
  /**
   * What a Device's `methods` of these names do with a property and a value, instead of `write`; they are called through
   * the mapper's REST API.
   */
  readonly methods?: Readonly<
    Record<
      string,
      (
        session: Session,
        property: DriverProperty<Config<P>>,
        value: PropertyValue,
        context: DriverContext,
      ) => void | Promise<void>
    >
  >;
  close?(session: Session): void | Promise<void>;
}

/** An opened device. */
export interface DriverSession {
  /** @throws `DRIVER_CONFIG_INVALID` */
  property(property: DriverProperty<JsonObject>): PropertyAccess;
  close(): Promise<void>;
}

/** What can be done with one property of an opened device. */
export interface PropertyAccess {
  read(context: DriverContext): Promise<DriverValue>;
  readonly write?: (value: PropertyValue, context: DriverContext) => Promise<void>;
  readonly subscribe?: (emit: (value: DriverValue) => void, context: DriverContext) => Promise<void>;
  readonly methods: ReadonlyMap<string, (value: PropertyValue, context: DriverContext) => Promise<void>>;
}

/** A driver as the SDK uses it: its own types are closed over. */
export interface Driver {
  readonly protocol: string;
  /** Names of the members that it declares of a property's `visitors.configData`. */
  readonly propertyMembers: ReadonlySet<string>;
  /** @throws `DRIVER_CONFIG_INVALID`, or what the driver throws */
  open(config: JsonObject, context: DriverContext): Promise<DriverSession>;
}

/** Makes a driver of its definition. */
export function defineDriver<
  Session,
  const D extends Schema = Record<never, never>,
  const P extends Schema = Record<never, never>,
>(definition: DriverDefinition<D, P, Session>): Driver {
  const { deviceConfig = {} as D, propertyConfig = {} as P } = definition;
  return {
    protocol: definition.protocol,
    propertyMembers: new Set(Object.keys(propertyConfig)),
    async open(config, context) {
      const session = await definition.open(parseConfig(deviceConfig, config), context);
      return {
        property(raw) {
          const property = { ...raw, config: parseConfig(propertyConfig, raw.config) };
          const { write, subscribe, methods = {} } = definition;
          return {
            methods: new Map(
              Object.entries(methods).map(([name, method]) => [
                name,
                async (value, call) => await method.call(methods, session, property, value, call),
              ]),
            ),
            read: async (call) => await definition.read(session, property, call),
            ...(write && {
              write: async (value, call) => await write.call(definition, session, property, value, call),
            }),
            ...(subscribe && {
              subscribe: async (emit, call) => await subscribe.call(definition, session, property, emit, call),
            }),
          };
        },
        close: async () => await definition.close?.(session),
      };
    },
  };
}

/** Whether a module's export is a driver. */
export function isDriver(value: unknown): value is Driver {
  if (typeof value !== "object" || value === null) return false;
  const { protocol, open } = value as { readonly protocol?: unknown; readonly open?: unknown };
  return typeof protocol === "string" && protocol !== "" && typeof open === "function";
}
