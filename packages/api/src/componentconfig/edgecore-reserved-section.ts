import type { ConfigSection } from "./config-section.ts";
import { readSizeText } from "./size-text.ts";

/** What the machine has that pods together do not get. */
export interface ReservedResources {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  /** Of the file system that pods' files are on. */
  readonly storageBytes: number;
}

export const nothingReserved: ReservedResources = { cpuMilli: 0, memoryBytes: 0, storageBytes: 0 };

/** The kubelet's `systemReserved` and `kubeReserved`: for the system, and for Skerry itself. */
export function readReserved(kubelet: ConfigSection): ReservedResources {
  let { cpuMilli, memoryBytes, storageBytes } = nothingReserved;
  for (const field of ["systemReserved", "kubeReserved"])
    for (const [resource, text] of Object.entries(kubelet.textMap(field)))
      switch (resource) {
        case "cpu":
          cpuMilli += readProcessorsMilli(text) ?? refused(kubelet, field, "processors such as 100m or 0.5 for cpu");
          break;
        case "memory":
          memoryBytes += readSizeText(text) ?? refused(kubelet, field, "a size such as 100Mi for memory");
          break;
        case "ephemeral-storage":
          storageBytes += readSizeText(text) ?? refused(kubelet, field, "a size such as 1Gi for ephemeral-storage");
          break;
        default:
          kubelet.warn(field, `cpu, memory and ephemeral-storage are kept back, not ${resource}`);
      }
  return { cpuMilli, memoryBytes, storageBytes };
}

function refused(kubelet: ConfigSection, field: string, wanted: string): number {
  kubelet.error(field, `must give ${wanted}`);
  return 0;
}

function readProcessorsMilli(text: string): number | undefined {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(m?)$/.exec(text) ?? [];
  return amount === undefined ? undefined : Math.ceil(Number(amount) * (unit === "m" ? 1 : 1000));
}
