import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { describeError } from "@skerry/base";
import { systemClock, systemRandom } from "@skerry/base/platform";
import { usageError } from "../../errors.ts";
import { loadSettings } from "../../settings.ts";
import { skerryHome } from "../../skerry-home.ts";
import { runService } from "../service-process.ts";
import { findDriver } from "./find-driver.ts";

/** Where KubeEdge has it. */
const DEFAULT_EDGE_SOCKET = "/etc/kubeedge/dmi.sock";

export const runHelp: string = `skerry mapper run FILE|NAME [--edge-socket PATH] [--socket PATH] [--name NAME]

Runs the driver of a TypeScript file as a mapper: it gets the node's Devices of its protocol, reads and writes their
properties, and reports values and states. It runs until Ctrl-C and finds EdgeCore again after a restart. NAME is one of
the drivers that come as packages, such as modbus for @skerry/driver-modbus.

  --edge-socket PATH   dmi.sock of EdgeCore; by default that of this Skerry's node, else ${DEFAULT_EDGE_SOCKET}
  --socket PATH        the mapper's own socket; by default beside it, named after the driver's protocol
  --name NAME          the mapper's name at EdgeCore; by default PROTOCOL-mapper
  --http-port PORT     serves KubeEdge's REST API of mappers, on 127.0.0.1 unless --http-address says another
  --http-token-file F  what callers show as "authorization: Bearer …"; made when it is not there; by default beside the
                       mapper's socket
  --http-open          no token is needed: for KubeEdge's own clients, which know none

Examples:
  skerry mapper run driver.ts
  skerry mapper run modbus --http-port 7777
`;

export const devHelp: string = `skerry mapper dev FILE [options of run]

Runs a driver as \`run\` does and follows its files: what is saved is in use at once. The Devices stay registered, each is
closed and opened anew. Code that cannot be loaded is told with file and line, and the one before goes on.

Example:
  skerry mapper dev driver.ts
`;

/** `skerry mapper run FILE|NAME`. */
export function runMapper(parameters: readonly string[]): Promise<number> {
  return serve(parameters, false);
}

/** `skerry mapper dev FILE|NAME`. */
export function developMapper(parameters: readonly string[]): Promise<number> {
  return serve(parameters, true);
}

async function serve(parameters: readonly string[], follows: boolean): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...parameters],
    options: {
      "edge-socket": { type: "string" },
      socket: { type: "string" },
      name: { type: "string" },
      "http-port": { type: "string" },
      "http-address": { type: "string", default: "127.0.0.1" },
      "http-token-file": { type: "string" },
      "http-open": { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  const [file, ...more] = positionals;
  const httpPort = portOf(values["http-port"]);
  if (file === undefined || more.length > 0) throw usageError(`Use \`skerry mapper ${follows ? "dev" : "run"} FILE\``);
  const [{ Mapper, RestApi }, { DriverWatcher, loadDriverFiles, NetworkPushTransport, serveRestApi }, { unixGrpc }] =
    await Promise.all([import("@skerry/mapper"), import("@skerry/mapper/platform"), import("@skerry/grpc/platform")]);
  const driverFile = findDriver(file);
  const loaded = await loadDriverFiles(driverFile, 0);
  const { driver } = loaded;
  const edgeCoreSocketPath = resolve(values["edge-socket"] ?? nodeSocket());
  const name = values.name ?? `${driver.protocol.replace(/[^A-Za-z0-9._-]/g, "-")}-mapper`;
  const socketPath = resolve(values.socket ?? join(dirname(edgeCoreSocketPath), `${name.replace(/\//g, "-")}.sock`));
  return await runService(async (logger) => {
    const shared = { clock: systemClock, random: systemRandom, logger };
    const ports = { ...shared, driver, transport: unixGrpc, pushTransport: new NetworkPushTransport() };
    const stack = new AsyncDisposableStack();
    const mapper = stack.use(new Mapper(ports, { name, socketPath, edgeCoreSocketPath }));
    await mapper.start();
    logger.info("The mapper runs", { protocol: driver.protocol, edgeSocket: edgeCoreSocketPath });
    if (httpPort !== undefined) {
      const tokenFile = resolve(values["http-token-file"] ?? `${socketPath}.token`);
      const token = values["http-open"] ? undefined : readOrMakeToken(tokenFile);
      const address = values["http-address"];
      const api = stack.use(await serveRestApi(new RestApi(mapper, systemClock), { address, port: httpPort, token }));
      const access = token === undefined ? "everybody" : `who has the token of ${tokenFile}`;
      logger.info("The REST API is served", { address, port: api.port, for: access });
    }
    if (follows)
      stack.use(
        new DriverWatcher(driverFile, loaded, {
          clock: systemClock,
          logger,
          onDriver: async (changed) => {
            await mapper.replaceDriver(changed);
            logger.info("The driver is loaded anew", { devices: mapper.devices().length });
          },
          onBroken: (error) => logger.error("The one before goes on", { reason: describeError(error) }),
        }),
      );
    return { service: stack };
  });
}

/** @throws `SKERRY_USAGE` */
function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw usageError(`${text} is not a port`);
  return port;
}

/** Only its owner may read it. */
function readOrMakeToken(path: string): string {
  if (!existsSync(path)) writeFileSync(path, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600 });
  const token = readFileSync(path, "utf8").trim();
  if (token === "") throw usageError(`${path} is empty, so it holds no token`);
  return token;
}

/** The socket of this Skerry's node, if it has one. */
function nodeSocket(): string {
  const home = skerryHome();
  const { node } = loadSettings(home);
  const path = node === undefined ? undefined : join(home.nodeFolder(node), "dmi.sock");
  return path !== undefined && existsSync(path) ? path : DEFAULT_EDGE_SOCKET;
}
