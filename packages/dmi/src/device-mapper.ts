import type { UnaryClient, UnaryMethod } from "@skerry/grpc";
import * as dmi from "./generated/dmi.ts";
import { type CallOptions, callMethod, type Rpc, servedMethod } from "./rpc.ts";

/** What a mapper does for EdgeCore (devices.md 7.2): follows the changes of its devices and models. */
export interface DeviceMapper {
  registerDevice(request: dmi.RegisterDeviceRequest): Promise<dmi.RegisterDeviceResponse>;
  removeDevice(request: dmi.RemoveDeviceRequest): Promise<dmi.RemoveDeviceResponse>;
  updateDevice(request: dmi.UpdateDeviceRequest): Promise<dmi.UpdateDeviceResponse>;
  createDeviceModel(request: dmi.CreateDeviceModelRequest): Promise<dmi.CreateDeviceModelResponse>;
  removeDeviceModel(request: dmi.RemoveDeviceModelRequest): Promise<dmi.RemoveDeviceModelResponse>;
  updateDeviceModel(request: dmi.UpdateDeviceModelRequest): Promise<dmi.UpdateDeviceModelResponse>;
  getDevice(request: dmi.GetDeviceRequest): Promise<dmi.GetDeviceResponse>;
}

type Rpcs = {
  readonly [Method in keyof DeviceMapper]: Rpc<
    Parameters<DeviceMapper[Method]>[0],
    Awaited<ReturnType<DeviceMapper[Method]>>
  >;
};

const rpcs: Rpcs = {
  registerDevice: { request: dmi.RegisterDeviceRequest, response: dmi.RegisterDeviceResponse },
  removeDevice: { request: dmi.RemoveDeviceRequest, response: dmi.RemoveDeviceResponse },
  updateDevice: { request: dmi.UpdateDeviceRequest, response: dmi.UpdateDeviceResponse },
  createDeviceModel: { request: dmi.CreateDeviceModelRequest, response: dmi.CreateDeviceModelResponse },
  removeDeviceModel: { request: dmi.RemoveDeviceModelRequest, response: dmi.RemoveDeviceModelResponse },
  updateDeviceModel: { request: dmi.UpdateDeviceModelRequest, response: dmi.UpdateDeviceModelResponse },
  getDevice: { request: dmi.GetDeviceRequest, response: dmi.GetDeviceResponse },
};

/** `registerDevice` → `/v1beta1.DeviceMapperService/RegisterDevice`. */
function path(method: keyof DeviceMapper): string {
  return `/v1beta1.DeviceMapperService/${method.charAt(0).toUpperCase()}${method.slice(1)}`;
}

/** The methods of a gRPC server that give the mapper to EdgeCore. */
export function deviceMapperMethods(mapper: DeviceMapper): ReadonlyMap<string, UnaryMethod> {
  return new Map([
    [path("registerDevice"), servedMethod(rpcs.registerDevice, (request) => mapper.registerDevice(request))],
    [path("removeDevice"), servedMethod(rpcs.removeDevice, (request) => mapper.removeDevice(request))],
    [path("updateDevice"), servedMethod(rpcs.updateDevice, (request) => mapper.updateDevice(request))],
    [path("createDeviceModel"), servedMethod(rpcs.createDeviceModel, (request) => mapper.createDeviceModel(request))],
    [path("removeDeviceModel"), servedMethod(rpcs.removeDeviceModel, (request) => mapper.removeDeviceModel(request))],
    [path("updateDeviceModel"), servedMethod(rpcs.updateDeviceModel, (request) => mapper.updateDeviceModel(request))],
    [path("getDevice"), servedMethod(rpcs.getDevice, (request) => mapper.getDevice(request))],
  ]);
}

/** A mapper as EdgeCore sees it. Methods throw `DMI_UNAVAILABLE`, `DMI_TIMEOUT`, `DMI_NOT_FOUND`, `DMI_REFUSED`. */
export function deviceMapperClient(client: UnaryClient, options: CallOptions): DeviceMapper {
  const call =
    <Request, Response>(method: keyof DeviceMapper, rpc: Rpc<Request, Response>) =>
    (request: Request): Promise<Response> =>
      callMethod(client, path(method), rpc, request, options);
  return {
    registerDevice: call("registerDevice", rpcs.registerDevice),
    removeDevice: call("removeDevice", rpcs.removeDevice),
    updateDevice: call("updateDevice", rpcs.updateDevice),
    createDeviceModel: call("createDeviceModel", rpcs.createDeviceModel),
    removeDeviceModel: call("removeDeviceModel", rpcs.removeDeviceModel),
    updateDeviceModel: call("updateDeviceModel", rpcs.updateDeviceModel),
    getDevice: call("getDevice", rpcs.getDevice),
  };
}
