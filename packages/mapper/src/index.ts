export {
  type Config,
  choice,
  type Field,
  flag,
  integer,
  number,
  optional,
  type Schema,
  text,
} from "./config-schema.ts";
export * from "./conformance/index.ts";
export { type DeviceDescription, describeDevice } from "./device-description.ts";
export {
  type Driver,
  type DriverContext,
  type DriverDefinition,
  type DriverProperty,
  type DriverSession,
  defineDriver,
  isDriver,
  type PropertyAccess,
} from "./driver.ts";
export * from "./errors.ts";
export { atPointer, wrapAtPointer } from "./json-pointer.ts";
export { Mapper, type MapperOptions, type MapperPorts } from "./mapper.ts";
export type { DriverValue, PropertyType, PropertyValue } from "./property-value.ts";
export { type ApiAnswer, RestApi } from "./rest-api.ts";
