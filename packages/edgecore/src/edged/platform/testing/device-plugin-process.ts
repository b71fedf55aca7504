// A device plugin as a process of its own, for tests: FOLDER RESOURCE DEVICE… offers files of the machine as devices. It
// uses another gRPC implementation than Skerry's. The message `lose DEVICE` over IPC makes one not work. It
// knows of a restart of EdgeCore only by its own socket, which vanishes then, and begins anew.
import { existsSync, watch } from "node:fs";
import { join } from "node:path";
import { Client, credentials, Server, ServerCredentials, type ServerWritableStream } from "@grpc/grpc-js";
import {
  AllocateRequest,
  AllocateResponse,
  Empty,
  ListAndWatchResponse,
  PreferredAllocationRequest,
  PreferredAllocationResponse,
  PreStartContainerRequest,
  PreStartContainerResponse,
  RegisterRequest,
} from "../../devices/generated/device-plugin.ts";

const [folder = "", resource = "", ...devices] = process.argv.slice(2);
const endpoint = `${resource.replace("/", "-")}.sock`;
const variable = resource.slice(resource.indexOf("/") + 1);
const socketPath = join(folder, endpoint);
const REGISTRATION_MS = 60_000;
let isServing = false;
const lost = new Set<string>();
const watchers = new Set<ServerWritableStream<Empty, ListAndWatchResponse>>();

interface Codec<Message> {
  encode(message: Message): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Message;
}

const method = <Request, Response>(
  name: string,
  request: Codec<Request>,
  response: Codec<Response>,
  streams = false,
) => ({
  path: `/v1beta1.DevicePlugin/${name}`,
  requestStream: false as const,
  responseStream: streams,
  requestSerialize: (message: Request) => Buffer.from(request.encode(message).finish()),
  requestDeserialize: (bytes: Buffer) => request.decode(bytes),
  responseSerialize: (message: Response) => Buffer.from(response.encode(message).finish()),
  responseDeserialize: (bytes: Buffer) => response.decode(bytes),
});

const listed = (): ListAndWatchResponse => ({
  devices: devices.map((ID) => ({ ID, health: lost.has(ID) ? "Unhealthy" : "Healthy" })),
});

const service = {
  listAndWatch: method("ListAndWatch", Empty, ListAndWatchResponse, true),
  allocate: method("Allocate", AllocateRequest, AllocateResponse),
  prefer: method("GetPreferredAllocation", PreferredAllocationRequest, PreferredAllocationResponse),
  preStart: method("PreStartContainer", PreStartContainerRequest, PreStartContainerResponse),
};

const implementation = {
  listAndWatch: (call: ServerWritableStream<Empty, ListAndWatchResponse>) => {
    watchers.add(call);
    call.on("cancelled", () => watchers.delete(call));
    call.write(listed());
  },
  allocate: ({ request }: { request: AllocateRequest }, answer: (error: null, response: AllocateResponse) => void) =>
    answer(null, {
      containerResponses: (request.containerRequests ?? []).map(({ devicesIds = [] }) => ({
        envs: { [variable.toUpperCase()]: devicesIds.join(",") },
        devices: devicesIds.map((hostPath, index) => ({
          containerPath: `/dev/${variable}${index === 0 ? "" : index}`,
          hostPath,
          permissions: "rw",
        })),
      })),
    }),
  prefer: (
    { request }: { request: PreferredAllocationRequest },
    answer: (error: null, response: PreferredAllocationResponse) => void,
  ) =>
    answer(null, {
      containerResponses: (request.containerRequests ?? []).map(({ availableDeviceIDs = [] }) => ({
        deviceIDs: availableDeviceIDs.toReversed(),
      })),
    }),
  preStart: (_call: unknown, answer: (error: null, response: PreStartContainerResponse) => void) => answer(null, {}),
};

process.on("message", (text) => {
  lost.add(String(text).replace("lose ", ""));
  for (const watcher of watchers) watcher.write(listed());
});

let server = begin();
watch(folder, () => {
  if (!isServing || existsSync(socketPath)) return;
  server.forceShutdown();
  server = begin();
});

function begin(): Server {
  isServing = false;
  const begun = new Server();
  begun.addService(service, implementation);
  begun.bindAsync(`unix:${socketPath}`, ServerCredentials.createInsecure(), (error) => {
    if (error) throw error;
    isServing = true;
    register();
  });
  return begun;
}

function register(): void {
  const client = new Client(`unix:${join(folder, "kubelet.sock")}`, credentials.createInsecure());
  const options = { preStartRequired: true, getPreferredAllocationAvailable: true };
  const request: RegisterRequest = { version: "v1beta1", endpoint, resourceName: resource, options };
  client.waitForReady(Date.now() + REGISTRATION_MS, (notReady) => {
    if (notReady) throw notReady;
    client.makeUnaryRequest(
      "/v1beta1.Registration/Register",
      (message: RegisterRequest) => Buffer.from(RegisterRequest.encode(message).finish()),
      (bytes) => Empty.decode(bytes),
      request,
      (failure) => {
        client.close();
        if (failure) throw failure;
        process.stdout.write("registered\n");
      },
    );
  });
}
