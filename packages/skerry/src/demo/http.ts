import { request } from "node:http";

const APP_PORT = 8080;
const TIMEOUT_MS = 2_000;
const LONGEST_PAGE_BYTES = 1024 * 1024;

/** A page of a pod's web server on port 8080. Rejects when there is no answer. */
export function readPage(address: string, path: string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    if (address === "") throw new Error("the pod has no address yet");
    const sent = request({ host: address, port: APP_PORT, path, timeout: TIMEOUT_MS, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      let sizeBytes = 0;
      response.on("data", (chunk: Buffer) => {
        sizeBytes += chunk.byteLength;
        if (sizeBytes > LONGEST_PAGE_BYTES) sent.destroy(new Error("the page is too long"));
        else chunks.push(chunk);
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
      response.on("error", reject);
    });
    sent.on("timeout", () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    sent.on("error", reject);
    sent.end();
  });
}
