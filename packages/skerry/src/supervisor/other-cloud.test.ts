import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { certificatePem } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import { setOtherCloudAside } from "./other-cloud.ts";

const NOW_MS = Date.UTC(2026, 0, 1);

/** A node that joined a cloud, and the beginning of that cloud's join tokens. */
async function joinedNode(context: TestContext): Promise<{ readonly folder: string; readonly token: string }> {
  const folder = mkdtempSync(join(tmpdir(), "skerry-other-cloud-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const validity = { notBeforeMs: NOW_MS, notAfterMs: NOW_MS + 3_600_000 };
  const { certificateDer } = await systemPki.createCertificateAuthority({ validity });
  mkdirSync(join(folder, "certificates"));
  writeFileSync(join(folder, "certificates", "ca.crt"), certificatePem(certificateDer));
  writeFileSync(join(folder, "edgecore.db"), "objects");
  return { folder, token: `${Buffer.from(systemPki.sha256(certificateDer)).toString("hex")}.header.payload.signature` };
}

test("a node keeps its certificates and database while the cloud is the one it joined", async (context) => {
  const { folder, token } = await joinedNode(context);
  assert.equal(setOtherCloudAside(folder, token, NOW_MS), undefined);
  assert.ok(existsSync(join(folder, "certificates", "ca.crt")));
  assert.ok(existsSync(join(folder, "edgecore.db")));
});

test("a node of a cloud that began anew loses nothing, but joins as a new one", async (context) => {
  const { folder } = await joinedNode(context);
  const aside = setOtherCloudAside(folder, "00.header.payload.signature", NOW_MS);
  assert.ok(aside !== undefined);
  assert.equal(existsSync(join(folder, "certificates")), false);
  assert.equal(existsSync(join(folder, "edgecore.db")), false);
  assert.equal(readFileSync(join(aside, "edgecore.db"), "utf8"), "objects");
  assert.ok(existsSync(join(aside, "certificates", "ca.crt")));
});

test("a node that never joined has nothing to set aside", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-other-cloud-"));
  context.after(() => rmSync(folder, { recursive: true }));
  assert.equal(setOtherCloudAside(folder, "00.a.b.c", NOW_MS), undefined);
});
