import { createHash } from "node:crypto";
import { type TarEntry, writeTar } from "./tar-writer.ts";

/** An image of one layer, as it is packed into an archive. */
export interface ImageDescription {
  /** Full reference: `docker.io/library/edge-app:latest`. */
  readonly reference: string;
  readonly architecture: "x64" | "arm64";
  readonly files: readonly TarEntry[];
  readonly entrypoint: readonly string[];
  readonly environment?: readonly string[];
  readonly exposedPorts?: readonly number[];
  readonly workingFolder?: string;
}

const MEDIA = "application/vnd.oci.image";

/** Writes an OCI image layout as a tar archive, which containerd imports without a registry. */
export function writeOciArchive(image: ImageDescription): Uint8Array {
  const blobs: TarEntry[] = [];
  const add = (mediaType: string, content: Uint8Array): Descriptor => {
    const hash = createHash("sha256").update(content).digest("hex");
    blobs.push({ kind: "file", path: `blobs/sha256/${hash}`, content });
    return { mediaType, digest: `sha256:${hash}`, size: content.byteLength };
  };
  const architecture = image.architecture === "x64" ? "amd64" : "arm64";
  const layer = add(`${MEDIA}.layer.v1.tar`, writeTar(image.files));
  const config = add(
    `${MEDIA}.config.v1+json`,
    json({
      architecture,
      os: "linux",
      config: {
        Entrypoint: image.entrypoint,
        Env: image.environment ?? ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
        WorkingDir: image.workingFolder ?? "/",
        ExposedPorts: Object.fromEntries((image.exposedPorts ?? []).map((port) => [`${port}/tcp`, {}])),
      },
      rootfs: { type: "layers", diff_ids: [layer.digest] },
    }),
  );
  const manifest = add(
    `${MEDIA}.manifest.v1+json`,
    json({ schemaVersion: 2, mediaType: `${MEDIA}.manifest.v1+json`, config, layers: [layer] }),
  );
  const tag = image.reference.slice(image.reference.lastIndexOf(":") + 1);
  const index = json({
    schemaVersion: 2,
    mediaType: `${MEDIA}.index.v1+json`,
    manifests: [
      {
        ...manifest,
        platform: { architecture, os: "linux" },
        annotations: { "io.containerd.image.name": image.reference, "org.opencontainers.image.ref.name": tag },
      },
    ],
  });
  return writeTar([
    { kind: "file", path: "oci-layout", content: json({ imageLayoutVersion: "1.0.0" }) },
    { kind: "file", path: "index.json", content: index },
    { kind: "folder", path: "blobs" },
    { kind: "folder", path: "blobs/sha256" },
    ...blobs,
  ]);
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
