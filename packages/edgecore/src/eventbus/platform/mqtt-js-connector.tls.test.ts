import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createServer } from "node:tls";
import { isSkerryError } from "@skerry/base";
import { certificatePem, keyedCertificatePem } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";
import { Aedes } from "aedes";
import { MqttJsConnector } from "./mqtt-js-connector.ts";

const hourMs = 3_600_000;
const validity = { notBeforeMs: Date.now() - hourMs, notAfterMs: Date.now() + hourMs };
const authority = await systemPki.createCertificateAuthority({ validity });
const authorityPem = certificatePem(authority.certificateDer);

/** A broker that wants TLS, with a certificate for 127.0.0.1. */
async function tlsBroker(): Promise<{ readonly address: string } & AsyncDisposable> {
  const { certificatePem: cert, privateKeyPem: key } = keyedCertificatePem(
    await systemPki.issueCertificate(authority, {
      commonName: "broker",
      organizations: [],
      usages: ["serverAuth"],
      ipAddresses: ["127.0.0.1"],
      validity,
    }),
  );
  const broker = await Aedes.createBroker();
  const server = createServer({ cert, key }, (socket) => broker.handle(socket));
  server.on("tlsClientError", () => undefined); // Those that refuse the certificate.
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `ssl://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function connector(address: string, ca: string): MqttJsConnector {
  return new MqttJsConnector({ address, subscriberId: "sub", publisherId: "pub", tls: { ca } });
}

test("a broker that wants TLS is spoken to when its authority is known", async () => {
  await using broker = await tlsBroker();
  const arrived = Promise.withResolvers<string>();
  await using session = await connector(broker.address, authorityPem).connect(
    ["a/#"],
    {
      onMessage: async ({ payload }) => arrived.resolve(Buffer.from(payload).toString()),
      onClose: (reason) => arrived.reject(new Error(reason)),
    },
    new AbortController().signal,
  );
  await session.publish("a/b", "hello");
  assert.equal(await arrived.promise, "hello");
});

test("a broker whose certificate another authority signed is refused, with the reason", async () => {
  await using broker = await tlsBroker();
  const foreign = await systemPki.createCertificateAuthority({ validity });
  const handlers = { onMessage: async () => undefined, onClose: () => undefined };
  await assert.rejects(
    connector(broker.address, certificatePem(foreign.certificateDer)).connect(
      ["a/#"],
      handlers,
      new AbortController().signal,
    ),
    (error) => isSkerryError(error) && /certificate/i.test(error.message),
  );
});
