export { announceMembership, DeviceController, type DeviceControllerOptions } from "./device-controller.ts";
export { type DeviceInformers, DeviceObjects, deviceIndexers } from "./device-objects.ts";
