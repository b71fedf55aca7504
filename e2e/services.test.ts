// Services as pods of the same node see them: by name and by address, while the cloud is away too, through a restart of
// EdgeCore, and when their pods are others. The tests build on each other.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { machineIpv6Address, sendSignal } from "@skerry/base/platform";
import { ipv6Problem } from "../packages/skerry/src/nodecontainers/ipv6-forwarding.ts";
import { findSystemParts } from "../packages/skerry/src/systemparts/system-parts.ts";
import { Installation } from "./support/installation.ts";
import { packetFilterRules } from "./support/packet-filter.ts";
import { podOf } from "./support/planted-pods.ts";
import { waitUntil } from "./support/wait-until.ts";

const SERVES = 'echo "$HOSTNAME" > /tmp/index.html; exec busybox httpd -f -p 8080 -h /tmp';
/** Runs each script that appears in its folder, and leaves what it printed there; also when nobody else reaches it. */
const CLIENT = `while :; do
  if [ -f /io/in ]; then mv /io/in /io/now; sh /io/now > /io/part 2>&1; mv /io/part /io/out; fi
  busybox sleep 0.1
done`;
/** The static busybox' wget needs libraries that the image has not. */
const askFor = (host: string, port = 80): string =>
  `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | busybox nc -w 5 ${host} ${port} 2>&1 | tail -n 1`;
const CONTAINER = { name: "app", image: "edge-app:latest", imagePullPolicy: "IfNotPresent" };

function service(name: string, spec: object): object {
  return { apiVersion: "v1", kind: "Service", metadata: { name }, spec };
}

const port = { name: "http", port: 80, targetPort: "page" };
const objects = (folder: string): object[] => [
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [{ ...CONTAINER, command: ["sh", "-c", SERVES], ports: [{ name: "page", containerPort: 8080 }] }],
        },
      },
    },
  },
  service("web", { selector: { app: "web" }, ports: [port] }),
  service("web-pods", { clusterIP: "None", selector: { app: "web" }, ports: [port] }),
  service("dual", { ipFamilyPolicy: "PreferDualStack", selector: { app: "web" }, ports: [port] }),
  service("nobody", { selector: { app: "nobody" }, ports: [port] }),
  podOf(
    "client",
    {
      command: ["sh", "-c", CLIENT],
      volumeMounts: [{ name: "io", mountPath: "/io" }],
      env: ["podIPs", "hostIPs"].map((name) => ({ name, valueFrom: { fieldRef: { fieldPath: `status.${name}` } } })),
    },
    { volumes: [{ name: "io", hostPath: { path: folder } }] },
  ),
];

describe("Services on one node", { concurrency: false }, () => {
  let skerry: Installation;
  let folder: string;
  /** Both families where the machine has IPv6 and can give it to pods: then they have it without being told to. */
  let families: readonly string[];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "skerry-services-"));
    skerry = await Installation.create("services");
    await skerry.up("--no-examples");
    const parts = findSystemParts(join(skerry.home, "parts"));
    assert.ok(parts);
    const hasIpv6 = machineIpv6Address() !== undefined && (await ipv6Problem(parts)) === undefined;
    families = hasIpv6 ? ["IPv4", "IPv6"] : ["IPv4"];
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects(folder) });
    const { status, stderr } = await skerry.kubectlWith(list, "apply", "-f", "-");
    assert.equal(status, 0, stderr);
    await skerry.kubectlOk("rollout", "status", "deployment/web", "--timeout=120s");
    await skerry.kubectlOk("wait", "--for=condition=Ready", "pod/client", "--timeout=120s");
  });
  after(async () => {
    await resume();
    await skerry.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What a script prints in the client's pod. */
  async function inClient(script: string): Promise<string> {
    const answer = join(folder, "out");
    writeFileSync(join(folder, "new"), script);
    renameSync(join(folder, "new"), join(folder, "in"));
    await waitUntil("the client has run the script", async () => existsSync(answer));
    const text = readFileSync(answer, "utf8");
    rmSync(answer);
    return text;
  }

  const pageOf = (host: string): Promise<string> => inClient(askFor(host));
  const reaches = (host: string, wanted: () => RegExp = () => /^web-/m): Promise<string> =>
    waitUntil(`${host} is reached`, async () => {
      const page = await pageOf(host);
      if (wanted().test(page)) return page;
      throw new Error(page);
    });
  const webPods = async (): Promise<{ name: string; ip: string }[]> =>
    (await skerry.get("pods", "-l", "app=web")).items.map(
      (pod: { metadata: { name: string }; status: { podIP: string } }) => ({
        name: pod.metadata.name,
        ip: pod.status.podIP,
      }),
    );

  async function partId(name: string): Promise<number> {
    const { stdout } = await skerry.skerry("status", "-o", "json");
    const { parts } = JSON.parse(stdout) as { parts: { name: string; processId?: number }[] };
    const found = parts.find((part) => part.name.split(" ")[0] === name)?.processId;
    assert.ok(found, `${name} does not run`);
    return found;
  }
  let paused: number | undefined;
  async function resume(): Promise<void> {
    if (paused !== undefined) sendSignal(paused, "SIGCONT");
    paused = undefined;
  }

  test("a pod reaches the pods of a Service by each of its names, by its address, and each pod gets its share", async () => {
    const { clusterIP } = (await skerry.get("service", "web")).spec;
    for (const host of ["web", "web.default", "web.default.svc.cluster.local", clusterIP]) await reaches(host);
    const names = new Set<string>();
    await waitUntil("both pods have answered", async () => names.add((await pageOf("web")).trim()).size === 2);
  });

  const familiesOf = (addresses: readonly string[]): string[] => addresses.map((each) => `IPv${isIP(each)}`);

  test("a pod has an address of each family that the machine has, and knows them and the node's", async () => {
    const { status } = await skerry.get("pod", "client");
    const [podIps, hostIps] = [status.podIPs, status.hostIPs].map((list: { ip: string }[]) => list.map(({ ip }) => ip));
    assert.ok(podIps && hostIps);
    assert.deepEqual([status.podIP, familiesOf(podIps), familiesOf(hostIps)], [podIps[0], families, families]);
    const { addresses } = (await skerry.get("node", "edge-node-1")).status;
    const internal = addresses.filter(({ type }: { type: string }) => type === "InternalIP");
    assert.deepEqual(
      internal.map(({ address }: { address: string }) => address),
      hostIps,
    );
    assert.equal(await inClient('echo "$podIPs $hostIPs"'), `${podIps.join(",")} ${hostIps.join(",")}\n`);
    const hosts = await inClient("cat /etc/hosts");
    for (const address of podIps) assert.ok(hosts.includes(`${address}\tclient\n`), hosts);
  });

  test("a Service of both families is reached at each of its addresses, and each pod too", async () => {
    const { clusterIPs, ipFamilies } = (await skerry.get("service", "dual")).spec;
    assert.deepEqual(
      [ipFamilies, familiesOf(clusterIPs)],
      [
        ["IPv4", "IPv6"],
        ["IPv4", "IPv6"],
      ],
    );
    const reached = clusterIPs.slice(0, families.length);
    for (const address of reached) await reaches(address);
    const names = await inClient("busybox nslookup dual.default.svc.cluster.local");
    for (const address of reached) assert.ok(names.includes(`Address: ${address}`), names);
    for (const { metadata, status } of (await skerry.get("pods", "-l", "app=web")).items)
      for (const { ip } of status.podIPs)
        assert.match(await inClient(askFor(ip, 8080)), new RegExp(`^${metadata.name}$`, "m"));
  });

  test("a headless Service's name leads to its pods, and a named port is told", async () => {
    const pods = await webPods();
    const found = await inClient("busybox nslookup web-pods.default.svc.cluster.local");
    for (const { ip } of pods) assert.ok(found.includes(`Address: ${ip}`), found);
    const srv = await inClient("busybox nslookup -type=SRV _http._tcp.web-pods.default.svc.cluster.local");
    for (const { ip } of pods) assert.ok(srv.includes(`8080 ${ip.replaceAll(".", "-")}.web-pods.`), srv);
  });

  test("a pod of the Service reaches the Service too, itself included", async () => {
    const [{ name } = { name: "" }] = await webPods();
    await waitUntil("it has reached itself", async () => {
      const page = await skerry.kubectlOk("exec", name, "--", "sh", "-c", askFor("web"));
      return page.trim() === name;
    });
  });

  test("a Service without a pod here is refused at once, and an Event at the pod that asked says why", async () => {
    assert.match(await pageOf("nobody"), /refused/);
    await waitUntil("the Event is there", async () => {
      const selector = "involvedObject.name=client,reason=ServiceHasNoLocalEndpoints";
      const { items } = await skerry.get("events", "--field-selector", selector);
      return /default\/nobody has no ready pod on this node/.test(items[0]?.message ?? "");
    });
  });

  test("without the cloud, and after EdgeCore was killed meanwhile, Services are reached as before", async () => {
    paused = await partId("cloudcore");
    sendSignal(paused, "SIGSTOP");
    await reaches("web");
    const { clusterIPs } = (await skerry.get("service", "dual")).spec;
    for (const address of clusterIPs.slice(0, families.length)) await reaches(address);
    const killed = await partId("edgecore");
    sendSignal(killed, "SIGKILL");
    const { ip } = (await webPods())[0] ?? { ip: "" };
    assert.ok(ip);
    await waitUntil("EdgeCore runs again", async () => (await partId("edgecore")) !== killed);
    await reaches("web");
    await waitUntil("names are answered", async () =>
      (await inClient("busybox nslookup web-pods.default.svc.cluster.local")).includes(`Address: ${ip}`),
    );
    await resume();
  });

  test("a pod in the place of another is reached, the other one no more", async () => {
    await skerry.kubectlOk("wait", "--for=condition=Ready", "node/edge-node-1", "--timeout=120s");
    const before = await webPods();
    await skerry.kubectlOk("delete", "pod", ...before.map(({ name }) => name));
    await skerry.kubectlOk("rollout", "status", "deployment/web", "--timeout=120s");
    const after = new Set((await webPods()).map(({ name }) => name));
    assert.ok(before.every(({ name }) => !after.has(name)));
    const page = await reaches("web", () => new RegExp(`^(${[...after].join("|")})$`, "m"));
    assert.ok(after.has(page.trim()));
  });

  test("nothing of it stays in the kernel when the node is down", async () => {
    await skerry.skerry("down");
    assert.doesNotMatch(await packetFilterRules(), /SKERRY-/);
  });
});
