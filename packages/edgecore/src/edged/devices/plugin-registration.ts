import { basename, join } from "node:path";
import { isExtendedResource } from "./container-devices.ts";
import { pluginRefused } from "./errors.ts";
import { type DevicePluginOptions, RegisterRequest } from "./generated/device-plugin.ts";

/** A plugin that wants to offer a resource. */
export interface PluginRegistration {
  readonly resource: string;
  readonly socketPath: string;
  readonly options: DevicePluginOptions;
}

export const API_VERSION = "v1beta1";

/**
 * What a plugin says of itself.
 * @param folder of all plugins' sockets
 * @throws `EDGED_DEVICE_PLUGIN_REFUSED`
 */
export function pluginRegistration(request: Uint8Array, folder: string): PluginRegistration {
  const { version = "", endpoint = "", resourceName = "", options = {} } = decoded(request);
  if (version !== API_VERSION) throw pluginRefused(`version "${version}" is not spoken here, only ${API_VERSION}`);
  if (!isExtendedResource(resourceName)) throw pluginRefused(`"${resourceName}" is no name of an extended resource`);
  if (endpoint === "" || endpoint === ".." || basename(endpoint) !== endpoint)
    throw pluginRefused(`the endpoint "${endpoint}" is no name of a socket in ${folder}`);
  return { resource: resourceName, socketPath: join(folder, endpoint), options };
}

function decoded(request: Uint8Array): RegisterRequest {
  try {
    return RegisterRequest.decode(request);
  } catch {
    throw pluginRefused(`the registration is not of the device plugin API ${API_VERSION}`);
  }
}
