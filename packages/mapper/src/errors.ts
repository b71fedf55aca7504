import { SkerryError } from "@skerry/base";

/** A Device's configuration does not fit its driver. */
export function configInvalid(name: string, what: string): SkerryError {
  return new SkerryError({
    code: "DRIVER_CONFIG_INVALID",
    message: `configData.${name} ${what}`,
    advice: "Correct configData in the Device's protocol or in the property's visitors, or in the DeviceModel.",
    details: { name },
  });
}

/** A call to the driver did not end in time. */
export function driverHangs(call: string, timeoutMs: number): SkerryError {
  return new SkerryError({
    code: "DRIVER_HANGS",
    message: `${call} of the driver did not end within ${timeoutMs} ms`,
    advice: "Let the driver give its calls a time limit and heed the signal in its context.",
    details: { call, timeoutMs },
  });
}

/** Too many calls to the driver for one device have not ended. */
export function driverStuck(count: number): SkerryError {
  return new SkerryError({
    code: "DRIVER_STUCK",
    message: `${count} calls to the driver still have not ended, so the device is left alone until one does`,
    advice: "Let the driver heed the signal in its context; restart the mapper to begin anew.",
    details: { count },
  });
}

/** A value does not fit its property's type. */
export function valueUnfit(type: string, value: string): SkerryError {
  return new SkerryError({
    code: "DRIVER_VALUE_UNFIT",
    message: `${value.slice(0, 80)} is not a value of type ${type}`,
    advice: "Correct the driver, or the property's type in the DeviceModel.",
    details: { type },
  });
}

/** A value is outside of its property's range. */
export function valueOutOfRange(value: number, minimum: number | undefined, maximum: number | undefined): SkerryError {
  return new SkerryError({
    code: "DRIVER_VALUE_OUT_OF_RANGE",
    message: `${value} is outside of ${minimum ?? "…"} to ${maximum ?? "…"}`,
    advice: "Correct the range in the DeviceModel or in the property's visitors, or look after the device.",
    details: { value },
  });
}

/** A desired value for what cannot be written. */
export function notWritable(property: string, why: string): SkerryError {
  return new SkerryError({
    code: "DRIVER_NOT_WRITABLE",
    message: `the desired value of ${property} is not written: ${why}`,
    advice: "Remove the desired value from the Device, or use a driver that can write.",
    details: { property },
  });
}

/** A property of a Device cannot be driven as it is configured. */
export function propertyInvalid(property: string, why: string): SkerryError {
  return new SkerryError({
    code: "MAPPER_PROPERTY_INVALID",
    message: `property ${property}: ${why}`,
    advice: "Correct the property's visitors.configData in the Device or in the DeviceModel.",
    details: { property },
  });
}

/** Nothing of this name is driven here. */
export function propertyUnknown(deviceId: string, property: string): SkerryError {
  return new SkerryError({
    code: "MAPPER_PROPERTY_UNKNOWN",
    message: `device ${deviceId} has no property ${property} here`,
    advice: "Check the name; a mapper knows the properties that the Device lists.",
    details: { deviceId, property },
  });
}

/** Nothing of this name is driven here. */
export function deviceUnknown(deviceId: string): SkerryError {
  return new SkerryError({
    code: "MAPPER_DEVICE_UNKNOWN",
    message: `there is no device ${deviceId} here`,
    advice: "Check the name; a mapper knows the Devices of its node and protocol.",
    details: { deviceId },
  });
}

/** The device does not answer, so nothing can be done with it now. */
export function deviceOffline(deviceId: string, why: string): SkerryError {
  return new SkerryError({
    code: "MAPPER_DEVICE_OFFLINE",
    message: `device ${deviceId} is offline: ${why}`,
    advice: "It is tried again by itself; check the device and the way to it.",
    details: { deviceId },
  });
}

/** More calls wait for the device than may. */
export function deviceBusy(deviceId: string, limit: number): SkerryError {
  return new SkerryError({
    code: "MAPPER_DEVICE_BUSY",
    message: `${limit} calls already wait for device ${deviceId}`,
    advice: "Try again later; a device is asked one thing after the other.",
    details: { deviceId, limit },
  });
}

/** A target of a property's values did not take one. */
export function pushFailed(target: string, why: string): SkerryError {
  return new SkerryError({
    code: "MAPPER_PUSH_FAILED",
    message: `${target} did not take a value: ${why}`,
    advice: "Check the address in the property's pushMethod, and the broker or server there.",
    details: { target },
  });
}

/** A driver cannot take the place of one of another protocol. */
export function protocolChanged(from: string, to: string): SkerryError {
  return new SkerryError({
    code: "MAPPER_PROTOCOL_CHANGED",
    message: `the driver's protocol is now ${to}, but the mapper is registered for ${from}`,
    advice: "Stop the mapper and start it again.",
    details: { from, to },
  });
}

/** The file holds no driver. */
export function noDriver(file: string, why: string): SkerryError {
  return new SkerryError({
    code: "MAPPER_NO_DRIVER",
    message: `${file} is not a driver: ${why}`,
    advice: "Its default export is what defineDriver({ protocol, open, read, … }) of @skerry/mapper returns.",
    details: { file },
  });
}

/** The REST API has no such path, or the Device no such method. */
export function methodUnknown(what: string): SkerryError {
  return new SkerryError({
    code: "MAPPER_METHOD_UNKNOWN",
    message: `there is no ${what}`,
    advice: "GET /api/v1/devicemethod/NAMESPACE/NAME lists a Device's methods.",
    details: { what },
  });
}
