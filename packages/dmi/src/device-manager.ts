import type { UnaryClient, UnaryMethod } from "@skerry/grpc";
import * as dmi from "./generated/dmi.ts";
import { type CallOptions, callMethod, type Rpc, servedMethod } from "./rpc.ts";

/** What EdgeCore does for mappers (devices.md 7.2). */
export interface DeviceManager {
  /** Makes the mapper known; with data, answers the devices of its protocol and their models. */
  mapperRegister(request: dmi.MapperRegisterRequest): Promise<dmi.MapperRegisterResponse>;
  /** Takes property values; resolved means stored. */
  reportDeviceStatus(request: dmi.ReportDeviceStatusRequest): Promise<dmi.ReportDeviceStatusResponse>;
  /** Takes a device's state; resolved means stored. */
  reportDeviceStates(request: dmi.ReportDeviceStatesRequest): Promise<dmi.ReportDeviceStatesResponse>;
}

const SERVICE = "/v1beta1.DeviceManagerService";
const register: Rpc<dmi.MapperRegisterRequest, dmi.MapperRegisterResponse> = {
  request: dmi.MapperRegisterRequest,
  response: dmi.MapperRegisterResponse,
};
const reportStatus: Rpc<dmi.ReportDeviceStatusRequest, dmi.ReportDeviceStatusResponse> = {
  request: dmi.ReportDeviceStatusRequest,
  response: dmi.ReportDeviceStatusResponse,
};
const reportStates: Rpc<dmi.ReportDeviceStatesRequest, dmi.ReportDeviceStatesResponse> = {
  request: dmi.ReportDeviceStatesRequest,
  response: dmi.ReportDeviceStatesResponse,
};

/** The methods of a gRPC server that give the manager to mappers. */
export function deviceManagerMethods(manager: DeviceManager): ReadonlyMap<string, UnaryMethod> {
  return new Map([
    [`${SERVICE}/MapperRegister`, servedMethod(register, (request) => manager.mapperRegister(request))],
    [`${SERVICE}/ReportDeviceStatus`, servedMethod(reportStatus, (request) => manager.reportDeviceStatus(request))],
    [`${SERVICE}/ReportDeviceStates`, servedMethod(reportStates, (request) => manager.reportDeviceStates(request))],
  ]);
}

/** EdgeCore as a mapper sees it. Methods throw `DMI_UNAVAILABLE`, `DMI_TIMEOUT`, `DMI_NOT_FOUND`, `DMI_REFUSED`. */
export function deviceManagerClient(client: UnaryClient, options: CallOptions): DeviceManager {
  return {
    mapperRegister: (request) => callMethod(client, `${SERVICE}/MapperRegister`, register, request, options),
    reportDeviceStatus: (request) =>
      callMethod(client, `${SERVICE}/ReportDeviceStatus`, reportStatus, request, options),
    reportDeviceStates: (request) =>
      callMethod(client, `${SERVICE}/ReportDeviceStates`, reportStates, request, options),
  };
}
