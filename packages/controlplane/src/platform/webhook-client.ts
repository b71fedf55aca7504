import type { IncomingMessage } from "node:http";
import { type RequestOptions, request } from "node:https";
import { isIP } from "node:net";
import type { WebhookCaller, WebhookRequest, WebhookResponse } from "../admission/webhooks/webhook-caller.ts";

/** Largest answer that is read, as a kube-apiserver has it. */
const ANSWER_LIMIT_BYTES = 3 * 1024 * 1024;

/** What Node.js' errors are called by a kube-apiserver. */
const CERTIFICATE_ERRORS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "x509: certificate has expired or is not yet valid",
  CERT_NOT_YET_VALID: "x509: certificate has expired or is not yet valid",
  DEPTH_ZERO_SELF_SIGNED_CERT: "x509: certificate signed by unknown authority",
  SELF_SIGNED_CERT_IN_CHAIN: "x509: certificate signed by unknown authority",
  UNABLE_TO_GET_ISSUER_CERT: "x509: certificate signed by unknown authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "x509: certificate signed by unknown authority",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "x509: certificate signed by unknown authority",
};

/** Calls webhooks over HTTPS: the server's certificate verified, no redirects, one connection a call. */
export class WebhookClient implements WebhookCaller {
  async post(asked: WebhookRequest): Promise<WebhookResponse> {
    const url = new URL(asked.url);
    const ended = AbortSignal.timeout(asked.timeoutMs);
    try {
      return await exchange({ ...optionsOf(url, asked), signal: ended }, asked.body);
    } catch (error) {
      if (ended.aborted) throw new Error("context deadline exceeded");
      throw new Error(worded(error, url));
    }
  }
}

function optionsOf(url: URL, { endpoint, authorityPem, body }: WebhookRequest): RequestOptions {
  const name = url.hostname.replace(/^\[|\]$/g, "");
  return {
    method: "POST",
    host: endpoint?.host ?? name,
    port: endpoint?.port ?? (url.port === "" ? 443 : Number(url.port)),
    path: `${url.pathname}${url.search}`,
    headers: {
      host: url.host,
      "content-type": "application/json",
      accept: "application/json",
      "content-length": Buffer.byteLength(body),
    },
    agent: false,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ...(authorityPem === "" ? {} : { ca: authorityPem }),
  };
}

function exchange(options: RequestOptions, body: string): Promise<WebhookResponse> {
  return new Promise((resolve, reject) => {
    const outgoing = request(options);
    outgoing.on("error", reject);
    // An upgrade that nobody asked for ends the request without an error.
    const onClose = (): void => reject(new Error("EOF"));
    outgoing.on("close", onClose);
    outgoing.on("response", (response) => {
      // From here on reading tells how it ends.
      outgoing.off("close", onClose);
      readAnswer(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
    });
    outgoing.end(body);
  });
}

async function readAnswer(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of response) {
    const chunk = Buffer.from(part);
    sizeBytes += chunk.byteLength;
    if (sizeBytes > ANSWER_LIMIT_BYTES) {
      response.destroy();
      throw new Error(`the answer is larger than ${ANSWER_LIMIT_BYTES} bytes`);
    }
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** In the words of a kube-apiserver, which is written in Go. */
function worded(error: unknown, url: URL): string {
  const {
    code = "",
    message = String(error),
    address,
    port,
  } = error as NodeJS.ErrnoException & {
    readonly address?: string;
    readonly port?: number;
  };
  const at = address === undefined ? url.host : `${address.includes(":") ? `[${address}]` : address}:${port}`;
  switch (code) {
    case "ECONNREFUSED":
      return `dial tcp ${at}: connect: connection refused`;
    case "EHOSTUNREACH":
      return `dial tcp ${at}: connect: no route to host`;
    case "ENETUNREACH":
      return `dial tcp ${at}: connect: network is unreachable`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `dial tcp: lookup ${url.hostname}: no such host`;
    case "ECONNRESET":
      return "EOF";
    default: {
      const told =
        CERTIFICATE_ERRORS[code] ?? (code.startsWith("ERR_TLS_CERT_ALTNAME") ? `x509: ${message}` : undefined);
      return told === undefined ? message : `tls: failed to verify certificate: ${told}`;
    }
  }
}
