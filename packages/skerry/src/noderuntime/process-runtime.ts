import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isSkerryError } from "@skerry/base";
import { diskFull, imageArchiveInvalid } from "../errors.ts";
import { EXAMPLE_APP_IMAGE, exampleAppImage } from "../images/builtin-images.ts";
import { checkArchive } from "../images/load-image.ts";
import { writeOciArchive } from "../images/oci-archive.ts";
import { shortSocketPath } from "../nodecontainers/node-containers.ts";
import type { SkerryHome } from "../skerry-home.ts";
import { processRuntimePart } from "../supervisor/part-descriptions.ts";
import type { CommonParts } from "../systemparts/system-parts.ts";
import type { NodeRuntime } from "./node-runtime.ts";

/** The process runtime: containers without an engine, also for accounts without root. */
export function processRuntime(home: SkerryHome, node: string, parts: CommonParts): NodeRuntime {
  const folder = join(home.nodeFolder(node), "process-runtime");
  const hash = createHash("sha256").update(folder).digest("hex").slice(0, 12);
  const socketPath = shortSocketPath(join(folder, "cri.sock"), hash);
  const entry = () => import("@skerry/edgecore/platform");
  const load = async (archive: string): Promise<readonly string[]> => {
    try {
      return await (await entry()).loadProcessImage(folder, archive);
    } catch (error) {
      if (error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT"))
        throw diskFull(`No space is left on the disk for the image ${archive}`);
      throw isSkerryError(error) ? imageArchiveInvalid(archive, error.message) : error;
    }
  };
  return {
    kind: "process",
    socketPath,
    parts,
    async prepare() {
      const { checkProcessRuntime } = await entry();
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const { busybox } = parts;
      const slirp = { program: parts.slirp, libraries: parts.environment["LD_LIBRARY_PATH"] };
      const detail = await checkProcessRuntime({ folder, busybox, slirp });
      return { part: processRuntimePart(home, node, { folder, socketPath, busybox, slirp }), detail };
    },
    async importBuiltinImages(appFolder) {
      const scratch = mkdtempSync(join(folder, "images-"));
      try {
        const archive = join(scratch, "image.tar");
        const architecture = process.arch === "arm64" ? "arm64" : "x64";
        writeFileSync(archive, writeOciArchive(exampleAppImage(architecture, parts.busybox, appFolder)));
        await load(archive);
        return [EXAMPLE_APP_IMAGE];
      } finally {
        rmSync(scratch, { recursive: true, force: true });
      }
    },
    async loadImage(archive) {
      checkArchive(archive);
      return load(archive);
    },
    containers: async () => (await (await entry()).processContainers(folder)).running,
    killContainers: async () => (await (await entry()).processContainers(folder)).kill(),
    async remove() {
      const left = await (await entry()).processContainers(folder);
      left.kill();
      await left.removeGroups();
      rmSync(socketPath, { force: true });
    },
  };
}
