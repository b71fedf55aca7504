import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { type JsonObject, toBase64 } from "@skerry/base";
import { keyedCertificatePem } from "@skerry/pki";
import { systemPki } from "@skerry/pki/platform";

const DAY_MS = 24 * 3600 * 1000;

/** The `response` of an AdmissionReview without its uid, or an HTTP status; never resolved: no answer comes. */
export type WebhookAnswer = (request: JsonObject, path: string) => JsonObject | number | Promise<never>;

/** An admission webhook over HTTPS on loopback. */
export interface TestWebhook extends AsyncDisposable {
  readonly port: number;
  /** `clientConfig.caBundle`. */
  readonly caBundle: string;
  /** The requests of all reviews so far. */
  readonly asked: readonly JsonObject[];
  /** A `clientConfig`. */
  client(path?: string): JsonObject;
}

/** Starts one whose certificate is for 127.0.0.1 and for `serviceName`, as for `web.default.svc`; dispose of it. */
export async function startTestWebhook(answer: WebhookAnswer, serviceName = "web.default.svc"): Promise<TestWebhook> {
  const nowMs = Date.now();
  const validity = { notBeforeMs: nowMs - DAY_MS, notAfterMs: nowMs + DAY_MS };
  const authority = await systemPki.createCertificateAuthority({ commonName: "webhooks", validity });
  const { certificatePem, privateKeyPem } = keyedCertificatePem(
    await systemPki.issueCertificate(authority, {
      commonName: serviceName,
      organizations: [],
      usages: ["serverAuth"],
      dnsNames: [serviceName],
      ipAddresses: ["127.0.0.1"],
      validity,
    }),
  );
  const asked: JsonObject[] = [];
  const server = createServer({ cert: certificatePem, key: privateKeyPem }, (incoming, outgoing) => {
    void (async () => {
      let text = "";
      for await (const part of incoming) text += String(part);
      const review = JSON.parse(text) as { apiVersion: string; request: JsonObject };
      asked.push(review.request);
      const response = await answer(review.request, incoming.url ?? "");
      if (typeof response === "number") {
        outgoing.writeHead(response).end("no review");
        return;
      }
      const { uid } = review.request;
      const body = { kind: "AdmissionReview", apiVersion: review.apiVersion, response: { uid, ...response } };
      outgoing.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const { certificatePem: authorityPem } = keyedCertificatePem(authority);
  const caBundle = toBase64(new TextEncoder().encode(authorityPem));
  return {
    port,
    caBundle,
    asked,
    client: (path = "/") => ({ url: `https://127.0.0.1:${port}${path}`, caBundle }),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A JSON patch as an answer carries it. */
export function patchAnswer(patch: readonly JsonObject[]): JsonObject {
  return { allowed: true, patchType: "JSONPatch", patch: toBase64(new TextEncoder().encode(JSON.stringify(patch))) };
}
