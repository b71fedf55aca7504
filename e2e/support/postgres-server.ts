import { spawn } from "node:child_process";
import { chownSync, existsSync, globSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { unpackDebianPackages } from "../../packages/skerry/src/systemparts/debian-packages.ts";
import { freePorts } from "./free-ports.ts";
import { run } from "./run.ts";
import { waitUntil } from "./wait-until.ts";

/** PostgreSQL refuses to run as root; these ids are `nobody`'s everywhere. */
const OWNER = { uid: 65_534, gid: 65_534 };

/**
 * A PostgreSQL of its own on a loopback port, with an empty database: the machine's programs, else Debian's package
 * unpacked into `parts`. Its data is synced to the disk as usual.
 */
export class PostgresServer implements AsyncDisposable {
  readonly url: string;
  readonly #folder: string;
  readonly #process: ReturnType<typeof spawn>;

  private constructor(url: string, folder: string, server: ReturnType<typeof spawn>) {
    this.url = url;
    this.#folder = folder;
    this.#process = server;
  }

  static async start(parts: string): Promise<PostgresServer> {
    const programs = await programFolder(parts);
    const folder = mkdtempSync(join(tmpdir(), "skerry-postgres-"));
    const data = join(folder, "data");
    mkdirSync(data, { mode: 0o700 });
    for (const path of [folder, data]) chownSync(path, OWNER.uid, OWNER.gid);
    const options = { cwd: folder, ...OWNER, env: environment(programs) };
    const initialised = spawn(
      join(programs, "initdb"),
      ["--pgdata", data, "--username", "skerry", "--auth", "trust", "--encoding", "UTF8", "--no-locale"],
      { ...options, stdio: ["ignore", "ignore", "inherit"] },
    );
    const status = await new Promise((resolve, reject) => initialised.on("exit", resolve).on("error", reject));
    if (status !== 0) throw new Error(`initdb ended with ${String(status)}`);
    const [port = 0] = await freePorts(1);
    const settings = [`port=${port}`, "listen_addresses=127.0.0.1", `unix_socket_directories=${folder}`];
    const server = spawn(join(programs, "postgres"), ["-D", data, ...settings.flatMap((each) => ["-c", each])], {
      ...options,
      stdio: "ignore",
    });
    const url = `postgresql://skerry@127.0.0.1:${port}/postgres`;
    const { Client } = (await import("pg")).default;
    await waitUntil("PostgreSQL accepts connections", async () => {
      const client = new Client({ connectionString: url });
      try {
        await client.connect();
        return true;
      } catch {
        return false;
      } finally {
        await client.end().catch(() => undefined);
      }
    });
    return new PostgresServer(url, folder, server);
  }

  get processId(): number {
    return this.#process.pid ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#process.on("exit", resolve));
    this.#process.kill("SIGINT");
    await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The folder that has initdb and postgres. */
async function programFolder(parts: string): Promise<string> {
  const installed = [...(process.env["PATH"] ?? "").split(delimiter), ...globSync("/usr/lib/postgresql/*/bin")];
  const found = installed.find((folder) => ["initdb", "postgres"].every((name) => existsSync(join(folder, name))));
  if (found !== undefined) return found;
  mkdirSync(parts, { recursive: true });
  const unpacked = await unpackDebianPackages(["postgresql"], parts);
  const [initdb] = globSync(join(unpacked, "usr/lib/postgresql/*/bin/initdb"));
  if (initdb === undefined) throw new Error(`Debian's package postgresql in ${unpacked} has no initdb`);
  // Whoever runs it is not the owner of the folders above.
  await run(["chmod", "-R", "a+rX", unpacked]);
  return dirname(initdb);
}

/** Libraries of unpacked packages are below the same root as the programs. */
function environment(programs: string): NodeJS.ProcessEnv {
  const root = programs.replace(/\/usr\/lib\/postgresql\/.*$/, "");
  const libraries = root === programs ? [] : globSync(join(root, "usr/lib/*-linux-gnu"));
  return { PATH: process.env["PATH"] ?? "", ...(libraries.length > 0 ? { LD_LIBRARY_PATH: libraries.join(":") } : {}) };
}
