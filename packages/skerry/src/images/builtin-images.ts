import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import type { ImageDescription } from "./oci-archive.ts";
import { pauseProgram } from "./pause-program.ts";
import type { TarEntry } from "./tar-writer.ts";

/** The image of each pod's first process. Never pulled: it is imported at every start. */
export const PAUSE_IMAGE = "skerry.local/pause:1";

/** The image of the example app, as `image: edge-app:latest` in a manifest names it in full. */
export const EXAMPLE_APP_IMAGE = "docker.io/library/edge-app:latest";

/** Commands that people expect in a container; busybox does what it is called by. */
const BUSYBOX_COMMANDS =
  "ash cat cp cut date df dmesg echo env false find free grep head hostname httpd id ip kill ls mkdir mount nc netstat nslookup ping ps pwd rm sed sh sleep sort stat tail tar tee test top touch tr true uname uptime vi wc wget which xargs".split(
    " ",
  );

/** The pause image for this machine. */
export function pauseImage(architecture: "x64" | "arm64"): ImageDescription {
  return {
    reference: PAUSE_IMAGE,
    architecture,
    files: [{ kind: "file", path: "pause", content: pauseProgram(architecture), mode: 0o755 }],
    entrypoint: ["/pause"],
  };
}

/** The example app: busybox's web server on 8080 and the pages of `examples/app/`. */
export function exampleAppImage(
  architecture: "x64" | "arm64",
  busyboxPath: string,
  appFolder: string,
): ImageDescription {
  return {
    reference: EXAMPLE_APP_IMAGE,
    architecture,
    files: [
      { kind: "folder", path: "bin" },
      { kind: "file", path: "bin/busybox", content: readFileSync(busyboxPath), mode: 0o755 },
      ...BUSYBOX_COMMANDS.map((name): TarEntry => ({ kind: "link", path: `bin/${name}`, target: "busybox" })),
      ...["etc", "proc", "sys", "dev", "tmp", "var", "run"].map((path): TarEntry => ({ kind: "folder", path })),
      {
        kind: "file",
        path: "etc/passwd",
        content: Buffer.from("root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"),
      },
      { kind: "file", path: "etc/group", content: Buffer.from("root:x:0:\nnogroup:x:65534:\n") },
      { kind: "folder", path: "app" },
      ...folderEntries(appFolder, "app"),
    ],
    entrypoint: ["/app/start.sh"],
    exposedPorts: [8080],
  };
}

/** A folder's content as archive entries, in a fixed order. */
function folderEntries(folder: string, prefix: string): TarEntry[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path): TarEntry => {
      const name = `${prefix}/${relative(folder, path)}`;
      if (statSync(path).isDirectory()) return { kind: "folder", path: name };
      const executable = path.endsWith(".sh") || path.includes("/cgi-bin/");
      return { kind: "file", path: name, content: readFileSync(path), mode: executable ? 0o755 : 0o644 };
    });
}
