import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

/** Of the layer that is held back; unpacked it is an archive of nothing. */
const HELD_LAYER_BYTES = 6 * 1024 * 1024;

/** An image registry on this machine with one small image under every name, for those who know the password. */
export class PrivateRegistry implements AsyncDisposable {
  /** Paths of what it gave away. */
  readonly served: string[] = [];
  readonly #server: Server;
  readonly #blobs = new Map<string, Buffer>();

  readonly #letThrough = Promise.withResolvers<void>();

  private constructor(user: string, password: string, holdsLayer: boolean) {
    const layer = Buffer.alloc(holdsLayer ? HELD_LAYER_BYTES : 1024); // An empty tar archive.
    const architecture = process.arch === "arm64" ? "arm64" : "amd64";
    const rootfs = { type: "layers", diff_ids: [digestOf(layer)] };
    const config = this.#add(
      "application/vnd.oci.image.config.v1+json",
      asJson({ architecture, os: "linux", config: {}, rootfs }),
    );
    const packed = this.#add("application/vnd.oci.image.layer.v1.tar+gzip", gzipSync(layer, { level: 0 }));
    const manifest = asJson({ schemaVersion: 2, mediaType: MANIFEST, config, layers: [packed] });
    this.#add(MANIFEST, manifest);
    const expected = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
    this.#server = createServer(({ url = "", headers, method }, response) => {
      if (headers.authorization !== expected) {
        response.writeHead(401, { "www-authenticate": 'Basic realm="edge"' }).end();
        return;
      }
      const isManifest = url.includes("/manifests/");
      const digest = /sha256:[0-9a-f]{64}/.exec(url)?.[0];
      const body = isManifest ? manifest : url === "/v2/" ? Buffer.from("{}") : this.#blobs.get(digest ?? "");
      if (!body) {
        response.writeHead(404).end();
        return;
      }
      this.served.push(url);
      response.writeHead(200, {
        "content-type": isManifest ? MANIFEST : "application/octet-stream",
        "content-length": body.length,
        "docker-content-digest": digestOf(body),
      });
      if (method === "HEAD") response.end();
      else if (holdsLayer && digest === packed.digest) {
        response.write(body.subarray(0, body.length / 2));
        void this.#letThrough.promise.then(() => response.end(body.subarray(body.length / 2)));
      } else response.end(body);
    });
  }

  /** @param holdsLayer the image is large, and half of its layer is kept back until {@link letThrough} */
  static async start(user: string, password: string, holdsLayer = false): Promise<PrivateRegistry> {
    const registry = new PrivateRegistry(user, password, holdsLayer);
    await new Promise<void>((resolve) => registry.#server.listen(0, "127.0.0.1", resolve));
    return registry;
  }

  /** `host:port`; containerd speaks plain HTTP to this machine's own address. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Gives the rest of the layer to all who wait for it. */
  letThrough(): void {
    this.#letThrough.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #add(mediaType: string, body: Buffer): { mediaType: string; digest: string; size: number } {
    const digest = digestOf(body);
    this.#blobs.set(digest, body);
    return { mediaType, digest, size: body.length };
  }
}

function digestOf(body: Buffer): string {
  return `sha256:${createHash("sha256").update(body).digest("hex")}`;
}

function asJson(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}
