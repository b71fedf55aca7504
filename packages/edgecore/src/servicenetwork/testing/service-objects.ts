import type { PodSpec, Service } from "@skerry/api";
import type { LocalPod } from "../local-services.ts";

/** A Service of the namespace `plant`. */
export function service(name: string, spec: Service["spec"], namespace = "plant"): Service {
  return { apiVersion: "v1", kind: "Service", metadata: { name, namespace, uid: `service-${name}` }, spec };
}

/** A ready pod of the namespace `plant`, labelled `app` by what is before the first `-` of its name. */
export function localPod(name: string, address: string, spec: Partial<PodSpec> = {}, isReady = true): LocalPod {
  const [app = ""] = name.split("-");
  return {
    pod: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "plant", uid: `pod-${name}`, labels: { app } },
      spec: { containers: [{ name: "app", ports: [{ name: "http", containerPort: 8080 }] }], ...spec },
    },
    status: {
      phase: "Running",
      podIPs: [{ ip: address }],
      conditions: [{ type: "Ready", status: isReady ? "True" : "False" }],
    },
  };
}
