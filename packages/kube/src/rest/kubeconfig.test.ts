import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { parseKubeconfig } from "./kubeconfig.ts";

const kubeconfig = `
apiVersion: v1
kind: Config
current-context: main
contexts:
  - name: main
    context: { cluster: c, user: u, namespace: team }
  - name: files
    context: { cluster: f, user: t }
clusters:
  - name: c
    cluster: { server: "https://10.0.0.1:6443/", certificate-authority-data: aGVsbG8= }
  - name: f
    cluster: { server: "https://h", certificate-authority: ca.pem, insecure-skip-tls-verify: true, tls-server-name: s }
users:
  - name: u
    user: { client-certificate-data: Y2VydA==, client-key-data: a2V5 }
  - name: t
    user: { tokenFile: /abs/token }
`;
const read = (text: string, context?: string): ReturnType<typeof parseKubeconfig> =>
  parseKubeconfig(text, "file", "/home/me/.kube", context);

test("a kubeconfig's current context is read, data decoded", () => {
  assert.deepEqual(read(kubeconfig), {
    server: "https://10.0.0.1:6443",
    certificateAuthority: { text: "hello" },
    clientCertificate: { text: "cert" },
    clientKey: { text: "key" },
    insecureSkipTlsVerify: false,
    namespace: "team",
  });
});

test("another context can be named; paths start at the file's folder", () => {
  assert.deepEqual(read(kubeconfig, "files"), {
    server: "https://h",
    certificateAuthority: { path: "/home/me/.kube/ca.pem" },
    token: { path: "/abs/token" },
    insecureSkipTlsVerify: true,
    serverName: "s",
    namespace: "default",
  });
});

test("a kubeconfig that cannot be used is refused with its code and a finding", () => {
  const broken: readonly [string, RegExp][] = [
    ["", /empty/],
    ["- a", /not a mapping/],
    ["a: [", /no YAML/],
    ["a: &x [1]\nb: [*x, *x]", /no YAML/],
    ["{}", /current-context/],
    ["current-context: x", /no entry "x" in its contexts/],
    [kubeconfig.replace("cluster: c,", "cluster: z,"), /no entry "z" in its clusters/],
    [kubeconfig.replace("https://10.0.0.1:6443/", "ftp://x"), /no http or https URL/],
    [kubeconfig.replace(", client-key-data: a2V5", ""), /not both/],
    [kubeconfig.replace("aGVsbG8=", "'*'"), /not base64/],
    [kubeconfig.replace("client-certificate-data: Y2VydA==, client-key-data: a2V5", "exec: {}"), /not supported/],
    [kubeconfig.replace("current-context: main", "current-context: 5"), /not a text/],
  ];
  for (const [text, finding] of broken)
    assert.throws(
      () => read(text),
      (error) => isSkerryError(error, "KUBE_KUBECONFIG_INVALID") && finding.test(error.message),
      text,
    );
});
