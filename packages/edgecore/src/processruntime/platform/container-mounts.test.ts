import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { DNSConfig } from "../../edged/platform/generated/cri.ts";
import { mountsOf } from "./container-mounts.ts";

test("a container may change its own resolv.conf, but not the machine's", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-mounts-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const holder = { processId: 0, startTicks: "", bootId: "" };
  const common = { id: "i", folder, createdAtMs: 0, end: undefined };
  const user = { userId: 0, groupId: 0 };
  const command = { words: [], workingDirectory: "/", environment: [] };
  const state = { createdAtMs: 0, imageId: "", imageName: "", user, command, stopSignal: "SIGTERM" } as const;
  const container = { ...common, sandboxId: "s", config: {}, state };
  const mounted = (config: { readonly dnsConfig?: DNSConfig }): ReturnType<typeof mountsOf> =>
    mountsOf(container, { ...common, config, holder, address: undefined, isStopped: false });
  const isReadOnly = async (config: { readonly dnsConfig?: DNSConfig }): Promise<(boolean | undefined)[]> =>
    (await mounted(config)).map((mount) => mount.isReadOnly);
  assert.deepEqual(await isReadOnly({}), [true]);
  assert.deepEqual(await isReadOnly({ dnsConfig: { servers: ["192.0.2.1"] } }), [false]);
});
