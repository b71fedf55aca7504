import { type GivenDevices, NO_DEVICES } from "./container-devices.ts";
import { ContainerAllocateResponse } from "./generated/device-plugin.ts";

/** What a container gets by its plugins' answers, each an encoded ContainerAllocateResponse. */
export function givenDevices(answers: readonly Uint8Array[]): GivenDevices {
  return answers.map((answer) => ContainerAllocateResponse.decode(answer)).reduce(withAnswer, NO_DEVICES);
}

function withAnswer(given: GivenDevices, answer: ContainerAllocateResponse): GivenDevices {
  const { envs = {}, mounts = [], devices = [], annotations = {}, cdiDevices = [] } = answer;
  return {
    environment: [...given.environment, ...Object.entries(envs).map(([name, value]) => ({ name, value }))],
    mounts: [
      ...given.mounts,
      ...mounts.map(({ containerPath = "", hostPath = "", readOnly = false }) => ({
        ...{ containerPath, hostPath, readOnly },
        recursiveReadOnly: false,
        propagation: "private" as const,
        relabel: false,
      })),
    ],
    annotations: { ...given.annotations, ...annotations },
    devices: [
      ...given.devices,
      ...devices.map(({ containerPath = "", hostPath = "", permissions = "" }) => ({
        ...{ containerPath, hostPath, permissions },
      })),
    ],
    cdiDevices: [...given.cdiDevices, ...cdiDevices.flatMap(({ name = "" }) => (name === "" ? [] : [name]))],
  };
}
