import { isSkerryError, SkerryError } from "@skerry/base";

/** The body of a device request cannot be understood. */
export function requestInvalid(what: string, cause?: unknown): SkerryError {
  return new SkerryError({
    code: "DEVICETWIN_REQUEST_INVALID",
    message: `the request is not understood: ${what}`,
    advice: 'Send a JSON object such as {"event_id":"1","twin":{"temperature":{"actual":{"value":"21.5"}}}}.',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** A property's name breaks the rules (devices.md 5.2). */
export function propertyNameInvalid(name: string): SkerryError {
  return new SkerryError({
    code: "DEVICETWIN_PROPERTY_NAME_INVALID",
    message: `the property name ${JSON.stringify(name.slice(0, 160))} is not allowed`,
    advice: "Use 1 to 128 of the characters a-z A-Z 0-9 - _ . , : / @ #.",
  });
}

/** A property's value does not fit its type. */
export function valueInvalid(property: string, type: string, value: string): SkerryError {
  return new SkerryError({
    code: "DEVICETWIN_VALUE_INVALID",
    message: `the value ${JSON.stringify(value.slice(0, 80))} of property ${property} is not of type ${type}`,
    advice: "Send a value of that type, or correct the type in the DeviceModel.",
    details: { property, type },
  });
}

/** A desired value is outside the range that the DeviceModel states. */
export function valueOutOfRange(property: string, value: string, range: string): SkerryError {
  return new SkerryError({
    code: "DEVICETWIN_VALUE_OUT_OF_RANGE",
    message: `the value ${value} of property ${property} is outside ${range}`,
    advice: "Choose a value in the range, or change minimum and maximum in the DeviceModel.",
    details: { property },
  });
}

/** A property's value is too long. */
export function valueTooLarge(property: string, sizeBytes: number, limitBytes: number): SkerryError {
  return new SkerryError({
    code: "DEVICETWIN_VALUE_TOO_LARGE",
    message: `the value of property ${property} has ${sizeBytes} bytes, the limit is ${limitBytes}`,
    advice: "Send a shorter value; store large data elsewhere and report where it is.",
    details: { property, sizeBytes, limitBytes },
  });
}

/** The type named for a property does not exist (devices.md 6.5). */
export function typeUnknown(property: string, type: string): SkerryError {
  return new SkerryError({
    code: "DEVICETWIN_TYPE_UNKNOWN",
    message: `the type ${JSON.stringify(type.slice(0, 40))} of property ${property} is not known`,
    advice: "Use string, int, integer, float, double, boolean, bytes or stream.",
    details: { property },
  });
}

/** The device has all the properties it may have. */
export function tooManyProperties(deviceId: string, limit: number): SkerryError {
  return new SkerryError({
    code: "DEVICETWIN_TOO_MANY_PROPERTIES",
    message: `device ${deviceId} would have more than ${limit} properties`,
    advice: "Use fewer property names; put several facts into one value as JSON.",
    details: { deviceId, limit },
  });
}

/** A local client wants to remove a property whose desired value the cloud owns, or to want another value of it. */
export function propertyOwnedByCloud(property: string): SkerryError {
  return new SkerryError({
    code: "DEVICETWIN_PROPERTY_OWNED_BY_CLOUD",
    message: `property ${property} has a desired value in the Device, which counts: it cannot be removed or changed here`,
    advice:
      "Change or remove the desired value in the Device with kubectl, or let the annotation skerry.io/conflict say otherwise.",
    details: { property },
  });
}

/** A desired value for a property that the DeviceModel calls read-only. */
export function propertyReadOnly(property: string): SkerryError {
  return new SkerryError({
    code: "DEVICETWIN_PROPERTY_READ_ONLY",
    message: `property ${property} is read-only, so its desired value is not sent to the device`,
    advice: "Set accessMode: ReadWrite in the DeviceModel, or remove the desired value from the Device.",
    details: { property },
  });
}

/** The device is not one of this node. The reason's words are KubeEdge's: clients compare them. */
export function deviceUnknown(deviceId: string): SkerryError {
  return new SkerryError({
    code: "DEVICETWIN_DEVICE_UNKNOWN",
    message: "update rejected due to the device is not existed",
    advice: "Create the Device with spec.nodeName set to this node.",
    details: { deviceId },
  });
}

/** The state named for a device does not exist (devices.md 6.6). */
export function stateUnknown(state: string): SkerryError {
  return new SkerryError({
    code: "DEVICETWIN_STATE_UNKNOWN",
    message: `the state ${JSON.stringify(state.slice(0, 40))} is not known`,
    advice: "Use online, offline, ok, unknown, unhealthy or disconnected.",
  });
}

/** The node has all the devices it may have. */
export function tooManyDevices(deviceId: string, limit: number): SkerryError {
  return new SkerryError({
    code: "DEVICETWIN_TOO_MANY_DEVICES",
    message: `device ${deviceId} is not taken: the node already has ${limit} devices`,
    advice: "Move devices to another node.",
    details: { deviceId, limit },
  });
}

/** Codes of error answers on MQTT (devices.md 6.7). */
export type ResultCode = 400 | 404 | 409 | 500;

/** The answer's code for an error; what is not the sender's fault is 500. */
export function resultCode(error: unknown): ResultCode {
  if (isSkerryError(error, "DEVICETWIN_DEVICE_UNKNOWN")) return 404;
  if (isSkerryError(error, "DEVICETWIN_PROPERTY_OWNED_BY_CLOUD")) return 409;
  if (error instanceof SkerryError && error.code.startsWith("DEVICETWIN_")) return 400;
  return 500;
}
