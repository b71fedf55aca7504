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

/** A desired value for what cannot be written. */
export function notWritable(property: string, why: string): SkerryError {
  return new SkerryError({
    code: "DRIVER_NOT_WRITABLE",
    message: `the desired value of ${property} is not written: ${why}`,
    advice: "Remove the desired value from the Device, or use a driver that can write.",
    details: { property },
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
