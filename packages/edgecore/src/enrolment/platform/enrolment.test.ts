import assert from "node:assert/strict";
import { mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TLSSocket } from "node:tls";
import { isSkerryError, silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import {
  certificatePem,
  createJoinToken,
  createSkerryToken,
  type KeyedCertificate,
  keyedCertificatePem,
  newTokenSecret,
  nodeSubject,
  skerryTokenSecretOf,
  verifyBearerToken,
} from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import { Enrolment } from "../enrolment.ts";
import { CredentialFiles } from "./credential-files.ts";
import { httpsEnrolmentClient } from "./https-client.ts";

const DAY_MS = 86_400_000;

/** A small CloudCore: `/ca.crt` and `/edge.crt` over TLS, and a folder for the node's credentials. */
class EnrolmentWorld implements AsyncDisposable {
  readonly clock: ManualClock;
  readonly folder: string;
  readonly authority: KeyedCertificate;
  readonly requests: { path: string; nodeName: string | undefined; by: string }[] = [];
  issuedFor: string = "edge-1";
  failures = 0;
  /** Certificates that are issued, but whose answers get lost. */
  lostAnswers = 0;
  refusesCertificates = false;
  refusesTokens = false;
  readonly keys: string[] = [];
  readonly #server: Server;

  private constructor(clock: ManualClock, folder: string, authority: KeyedCertificate, server: Server) {
    this.clock = clock;
    this.folder = folder;
    this.authority = authority;
    this.#server = server;
  }

  static async open(): Promise<EnrolmentWorld> {
    const clock = new ManualClock(Math.floor(Date.now() / 1000) * 1000);
    const validity = { notBeforeMs: clock.now() - 1000, notAfterMs: clock.now() + 3650 * DAY_MS };
    const authority = await systemPki.createCertificateAuthority({ validity });
    const own = await systemPki.issueCertificate(authority, {
      commonName: "KubeEdge",
      organizations: ["KubeEdge"],
      usages: ["serverAuth"],
      ipAddresses: ["127.0.0.1"],
      validity,
    });
    const pem = keyedCertificatePem(own);
    const server = createServer({
      cert: pem.certificatePem,
      key: pem.privateKeyPem,
      ca: certificatePem(authority.certificateDer),
      requestCert: true,
      rejectUnauthorized: false,
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const world = new EnrolmentWorld(clock, await mkdtemp(join(tmpdir(), "skerry-enrolment-")), authority, server);
    server.on("request", (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        world.#serve(request.url ?? "", request.headers, request.socket as TLSSocket, Buffer.concat(chunks)).then(
          ([status, body]) => response.writeHead(status).end(body),
          (error: unknown) => response.writeHead(401).end(String(error)),
        );
      });
    });
    return world;
  }

  get token(): string {
    return createJoinToken(systemPki, {
      authorityDer: this.authority.certificateDer,
      key: this.authority.privateKeyDer,
      expiresAtMs: this.clock.now() + DAY_MS,
    });
  }

  get store(): CredentialFiles {
    const file = (name: string): string => join(this.folder, "pki", name);
    return new CredentialFiles(
      { authorityFile: file("ca.crt"), certificateFile: file("node.crt"), privateKeyFile: file("node.key") },
      systemPki,
    );
  }

  enrolment(token: string): Enrolment {
    const { port } = this.#server.address() as AddressInfo;
    const ports = { pki: systemPki, clock: this.clock, random: new SeededRandom(), logger: silentLogger };
    return new Enrolment(
      { ...ports, http: httpsEnrolmentClient, store: this.store },
      { nodeName: "edge-1", httpServer: `https://127.0.0.1:${port}`, token },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await rm(this.folder, { recursive: true });
  }

  async #serve(
    path: string,
    headers: Readonly<Record<string, string | string[] | undefined>>,
    socket: TLSSocket,
    body: Buffer,
  ): Promise<[number, Uint8Array]> {
    const bearer = String(headers["authorization"] ?? "").split(" ")[1];
    // TLS judges a certificate by the machine's clock, which this test's clock has left behind.
    const by = socket.getPeerX509Certificate() ? "certificate" : bearer ? "token" : "nobody";
    this.requests.push({ path, nodeName: headers["nodename"]?.toString(), by });
    if (this.failures > 0) {
      this.failures--;
      return [503, Buffer.from("busy")];
    }
    if (path === "/ca.crt") return [200, this.authority.certificateDer];
    if (by === "nobody") return [401, Buffer.from("token validation failure, token is empty")];
    if (by === "certificate" ? this.refusesCertificates : this.refusesTokens) return [401, Buffer.from("no")];
    if (bearer && skerryTokenSecretOf(bearer) === undefined)
      verifyBearerToken(systemPki, bearer, { key: this.authority.privateKeyDer, nowMs: this.clock.now() });
    const certificate = await systemPki.signCertificateRequest(this.authority, body, {
      ...nodeSubject(this.issuedFor),
      usages: ["clientAuth"],
      validity: { notBeforeMs: this.clock.now(), notAfterMs: this.clock.now() + 365 * DAY_MS },
    });
    this.keys.push((await systemPki.readCertificateRequest(body)).publicKeyFingerprint);
    if (this.lostAnswers > 0) {
      this.lostAnswers--;
      return [502, Buffer.from("lost")];
    }
    return [200, certificate];
  }
}

const never = new AbortController().signal;
const code =
  (expected: string) =>
  (error: unknown): boolean =>
    isSkerryError(error, expected);

test("a node enrols with a token and keeps its key to itself", async () => {
  await using world = await EnrolmentWorld.open();
  const enrolment = world.enrolment(world.token);
  assert.equal(await enrolment.check(), "token");
  await enrolment.ensure(never);
  assert.deepEqual(world.requests, [
    { path: "/ca.crt", nodeName: undefined, by: "nobody" },
    { path: "/edge.crt", nodeName: "edge-1", by: "token" },
  ]);
  const credentials = await world.store.read();
  assert.ok(credentials && systemPki.keyMatches(credentials));
  const folder = join(world.folder, "pki");
  const names = (await readdir(folder)).sort();
  assert.deepEqual(names, ["ca.crt", "node.crt", "node.key"]);
  for (const name of names) assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600, name);
  await world.enrolment("").ensure(never);
  assert.equal(world.requests.length, 2, "an enrolled node asks for nothing and needs no token");
});

test("a node with neither certificate nor token is told the command that prints one", async () => {
  await using world = await EnrolmentWorld.open();
  await assert.rejects(
    world.enrolment("").ensure(never),
    (error) => isSkerryError(error, "ENROLMENT_TOKEN_MISSING") && error.advice.includes("npx skerry token"),
  );
});

test("a node refuses another authority than its token's, a forged token, and a certificate for another name", async () => {
  await using world = await EnrolmentWorld.open();
  await using other = await EnrolmentWorld.open();
  await assert.rejects(world.enrolment(other.token).ensure(never), code("PKI_TOKEN_WRONG_AUTHORITY"));
  const forged = `${world.token.slice(0, -4)}AAAA`;
  await assert.rejects(world.enrolment(forged).ensure(never), code("ENROLMENT_REFUSED"));
  world.issuedFor = "edge-2";
  await assert.rejects(world.enrolment(world.token).ensure(never), code("ENROLMENT_CERTIFICATE_MISMATCH"));
  assert.equal(await world.store.read(), undefined);
});

test("enrolment tries again while CloudCore is not ready", async () => {
  await using world = await EnrolmentWorld.open();
  world.failures = 2;
  let enrolled = false;
  const ensuring = world
    .enrolment(world.token)
    .ensure(never)
    .then(() => {
      enrolled = true;
    });
  while (!enrolled) {
    await world.clock.advance(500);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await ensuring;
  assert.equal(world.requests.length, 4);
});

test("a node whose certificate got lost on its way asks for it again with the same key", async () => {
  await using world = await EnrolmentWorld.open();
  world.lostAnswers = 1;
  const stop = new AbortController();
  const first = world.enrolment(world.token).ensure(stop.signal);
  while (world.keys.length === 0) await waitForFiles();
  stop.abort();
  await assert.rejects(first);
  await world.enrolment(world.token).ensure(never);
  assert.equal(world.keys.length, 2);
  assert.equal(world.keys[0], world.keys[1]);
  assert.ok(!(await readdir(join(world.folder, "pki"))).includes("node.key.pending"));
});

test("an expired certificate is renewed with its own key, and with the token where that is refused", async () => {
  await using world = await EnrolmentWorld.open();
  await world.enrolment(world.token).ensure(never);
  await world.clock.advance(366 * DAY_MS);
  assert.equal(await world.enrolment("").check(), "expired");
  await world.enrolment("").ensure(never);
  assert.equal(world.requests.at(-1)?.by, "certificate");
  assert.equal(await world.enrolment("").check(), "enrolled");
  await world.clock.advance(366 * DAY_MS);
  world.refusesCertificates = true;
  await assert.rejects(world.enrolment("").ensure(never), code("ENROLMENT_REFUSED"));
  await world.enrolment(world.token).ensure(never);
  assert.equal(world.requests.at(-1)?.by, "token");
});

test("a node that is given another token enrols anew; if that is refused, it goes on with its certificate", async () => {
  await using world = await EnrolmentWorld.open();
  await world.enrolment(world.token).ensure(never);
  const hash = world.token.split(".")[0] ?? "";
  const facts = { expiresAtMs: world.clock.now() + DAY_MS, cloudHub: "", cloudHttps: "" };
  const given = createSkerryToken(hash, newTokenSecret(systemPki), facts);
  assert.equal(await world.enrolment(given).check(), "other-token");
  const before = await world.store.read();
  world.refusesTokens = true;
  await world.enrolment(given).ensure(never);
  assert.deepEqual(await world.store.read(), before);
  world.refusesTokens = false;
  await world.enrolment(given).ensure(never);
  assert.notDeepEqual((await world.store.read())?.certificateDer, before?.certificateDer);
  assert.equal(await world.enrolment(given).check(), "enrolled");
});

test("after a crash between the two renames the new pair is found", async () => {
  await using world = await EnrolmentWorld.open();
  await world.enrolment(world.token).ensure(never);
  const first = await world.store.read();
  const file = (name: string): string => join(world.folder, "pki", name);
  await rename(file("node.key"), file("old.key"));
  await rename(file("node.crt"), file("old.crt"));
  await world.enrolment(world.token).ensure(never);
  const second = await world.store.read();
  assert.notDeepEqual(second?.certificateDer, first?.certificateDer);
  await rename(file("node.crt"), file("node.crt.new"));
  await rename(file("old.crt"), file("node.crt"));
  assert.deepEqual((await world.store.read())?.certificateDer, second?.certificateDer);
  assert.deepEqual((await world.store.read())?.certificateDer, second?.certificateDer);
});

test("the certificate is renewed by the present one", async () => {
  await using world = await EnrolmentWorld.open();
  const enrolment = world.enrolment(world.token);
  await enrolment.ensure(never);
  const first = await world.store.read();
  await enrolment.renew(never);
  assert.deepEqual(world.requests.at(-1), { path: "/edge.crt", nodeName: "edge-1", by: "certificate" });
  assert.notDeepEqual((await world.store.read())?.certificateDer, first?.certificateDer);
});

test("the moment of the renewal is random, between 60 % and 75 % of the certificate's time", async () => {
  await using world = await EnrolmentWorld.open();
  const startMs = world.clock.now();
  const enrolment = world.enrolment(world.token);
  await enrolment.ensure(never);
  const moments: number[] = [];
  for (let round = 0; round < 20; round++) moments.push((await enrolment.renewalTimeMs()) ?? 0);
  assert.equal(new Set(moments).size, moments.length);
  for (const atMs of moments) {
    const part = (atMs - startMs) / (365 * DAY_MS);
    assert.ok(part >= 0.6 && part <= 0.75, String(part));
  }
});

/** Lets reads of real files finish, which virtual time does not wait for. */
function waitForFiles(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
