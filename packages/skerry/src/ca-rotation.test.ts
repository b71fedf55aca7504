// The whole change of the certificate authority: both ends are the production code, over TLS.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { defaultCloudCoreConfig, nodes } from "@skerry/api";
import { isSkerryError, silentLogger } from "@skerry/base";
import { systemClock as clock, systemRandom as random } from "@skerry/base/platform";
import { authorityChange, beginAuthorityChange, finishAuthorityChange, SecretStore } from "@skerry/cloudcore";
import { type CloudCore, startCloudCore } from "@skerry/cloudcore/platform";
import { Enrolment, trustedBy } from "@skerry/edgecore";
import { CredentialFiles, httpsEnrolmentClient } from "@skerry/edgecore/platform";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { AUTHORITY_HEADER, DELIVERY_HEADER, OFFERED_DELIVERY } from "@skerry/link";
import { WebSocketDialer } from "@skerry/link/platform";
import { certificatePem, keyedCertificatePem } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";

const never = new AbortController().signal;

/** CloudCore as its supervisor runs it: started anew when the authority changes. */
async function start(api: MemoryKubernetesApi): Promise<{ readonly core: CloudCore; readonly changed: Promise<void> }> {
  const changed = Promise.withResolvers<void>();
  const core = await startCloudCore({
    config: {
      ...defaultCloudCoreConfig(),
      advertiseAddresses: ["127.0.0.1"],
      credentialFiles: { authorityCertificate: "", authorityKey: "", serverCertificate: "", serverKey: "" },
    },
    clock,
    random,
    logger: silentLogger,
    ports: { webSocket: 0, https: 0 },
    kubernetes: { api },
    installCustomResources: false,
    onAuthorityChange: () => changed.resolve(),
  });
  return { core, changed: changed.promise };
}

/** A node's enrolment, and its way to CloudCore. */
class Node {
  readonly #name: string;
  readonly store: CredentialFiles;

  constructor(name: string, folder: string) {
    this.#name = name;
    const file = (ending: string): string => join(folder, `${name}.${ending}`);
    const paths = { authorityFile: file("ca"), certificateFile: file("crt"), privateKeyFile: file("key") };
    this.store = new CredentialFiles(paths, systemPki);
  }

  enrolment(core: CloudCore, token = ""): Enrolment {
    return new Enrolment(
      { http: httpsEnrolmentClient, store: this.store, pki: systemPki, clock, random, logger: silentLogger },
      { nodeName: this.#name, httpServer: `https://127.0.0.1:${core.httpsPort}`, token },
    );
  }

  /** Returns the authority that CloudCore names. */
  async connects(core: CloudCore): Promise<string | undefined> {
    const stored = await this.store.read();
    assert.ok(stored);
    const authorityPem = trustedBy(stored).map(certificatePem).join("");
    const dialer = new WebSocketDialer({ credentials: async () => ({ authorityPem, ...keyedCertificatePem(stored) }) });
    const url = `wss://127.0.0.1:${core.webSocketPort}/p/${this.#name}/events`;
    const headers = {
      ...{ node_id: this.#name, project_id: "p", ConnectionUse: "msg" },
      [DELIVERY_HEADER]: OFFERED_DELIVERY,
    };
    const connection = await dialer.dial(url, headers, never);
    connection.close(1000, "done");
    return connection.headers[AUTHORITY_HEADER];
  }
}

test("the authority changes while nodes run; who was offline is named, and left behind when it is finished", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-ca-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const api = new MemoryKubernetesApi();
  const secrets = new SecretStore(api);
  const [present, absent] = [new Node("edge-1", folder), new Node("edge-2", folder)];

  const first = await start(api);
  for (const node of [present, absent]) await node.enrolment(first.core, first.core.joinToken()).ensure(never);
  for (const name of ["edge-1", "edge-2"])
    await api.create(
      { resource: nodes },
      { apiVersion: "v1", kind: "Node", metadata: { name, labels: { "node-role.kubernetes.io/edge": "" } } },
    );
  const named = (await present.connects(first.core)) ?? "";
  assert.equal(await present.enrolment(first.core).trustsOnly(named), true);
  await present.enrolment(first.core).followAuthorities(never);
  const { certificateDer: before } = (await present.store.read()) ?? { certificateDer: undefined };
  await beginAuthorityChange(secrets, systemPki, clock.now());
  await assert.rejects(beginAuthorityChange(secrets, systemPki, clock.now()), (error) =>
    isSkerryError(error, "CLOUDHUB_CA_CHANGE_UNDER_WAY"),
  );
  await first.changed;
  await first.core[Symbol.asyncDispose]();

  const second = await start(api);
  await absent.connects(second.core);
  assert.equal(await present.connects(second.core), undefined, "there is more than one");
  await present.enrolment(second.core).followAuthorities(never);
  const moved = await present.store.read();
  assert.notDeepEqual(moved?.certificateDer, before, "it has a certificate of the new authority");
  await present.connects(second.core);
  const change = await authorityChange(api, secrets, systemPki);
  assert.equal(await present.enrolment(second.core).trustsOnly(named), false);
  assert.deepEqual([change.moved, change.left], [["edge-1"], ["edge-2"]]);
  await present.enrolment(second.core).followAuthorities(never);
  assert.deepEqual(await present.store.read(), moved, "once is enough");
  await finishAuthorityChange(api, secrets);
  await second.changed;
  await second.core[Symbol.asyncDispose]();

  const third = await start(api);
  await using _running = third.core;
  const namedLast = (await present.connects(third.core)) ?? "";
  assert.equal(await present.enrolment(third.core).trustsOnly(namedLast), false);
  await present.enrolment(third.core).followAuthorities(never);
  assert.equal(await present.enrolment(third.core).trustsOnly(namedLast), true);
  const left = await present.store.read();
  assert.equal(left?.nextAuthorityDer, undefined);
  assert.equal(certificatePem(left?.authorityDer ?? new Uint8Array()), third.core.authorityPem);
  await present.connects(third.core);
  await assert.rejects(absent.connects(third.core), (error) => isSkerryError(error, "LINK_DIAL_FAILED"));
  await assert.rejects(absent.enrolment(third.core).renew(never), (error) =>
    isSkerryError(error, "ENROLMENT_UNREACHABLE"),
  );
  await assert.rejects(finishAuthorityChange(api, secrets), (error) => isSkerryError(error, "CLOUDHUB_NO_CA_CHANGE"));
});
