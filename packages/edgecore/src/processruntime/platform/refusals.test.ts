import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import {
  type LinuxContainerSecurityContext,
  NamespaceMode,
  type PodSandboxConfig,
  Protocol,
  SecurityProfile_ProfileType,
} from "../../edged/platform/generated/cri.ts";
import { refuseWhatCannotBe } from "./container-plan.ts";
import { kernelSettings, refuseSandbox } from "./sandbox-plan.ts";

const refused =
  (words: RegExp) =>
  (error: unknown): boolean =>
    isSkerryError(error, "PROCESS_RUNTIME_CANNOT") && words.test(error.message);

const withSettings = (
  sysctls: Record<string, string>,
  network: NamespaceMode,
  ipc: NamespaceMode,
): PodSandboxConfig => ({
  linux: { sysctls, securityContext: { namespaceOptions: { network, ipc } } },
});

test("what a container asks of the machine's security and cannot have is refused by name", () => {
  const { Localhost, RuntimeDefault, Unconfined } = SecurityProfile_ProfileType;
  const check = (securityContext: LinuxContainerSecurityContext): void =>
    refuseWhatCannotBe({ linux: { securityContext } });
  for (const profileType of [RuntimeDefault, Unconfined])
    check({ seccomp: { profileType }, apparmor: { profileType } });
  check({ selinuxOptions: { user: "", role: "", type: "", level: "" } });
  check({
    capabilities: { addCapabilities: ["NET_BIND_SERVICE", "CAP_CHOWN", "SYS_PTRACE"], dropCapabilities: ["ALL"] },
  });
  assert.throws(() => check({ seccomp: { profileType: Localhost } }), refused(/seccomp profile/));
  assert.throws(() => check({ apparmor: { profileType: Localhost } }), refused(/AppArmor profile/));
  assert.throws(() => check({ selinuxOptions: { level: "s0:c1" } }), refused(/seLinuxOptions/));
  for (const capability of ["NET_ADMIN", "CAP_SYS_TIME", "NET_RAW", "ALL"])
    assert.throws(
      () => check({ capabilities: { addCapabilities: [capability] } }),
      refused(new RegExp(`the capability ${capability}:`)),
    );
});

test("a pod's class and ports that cannot be had are refused by name", () => {
  refuseSandbox(
    {
      portMappings: [
        { hostPort: 80, containerPort: 80 },
        { protocol: Protocol.UDP, containerPort: 53 },
      ],
    },
    "",
  );
  assert.throws(() => refuseSandbox({}, "gvisor"), refused(/runtimeClassName gvisor/));
  const udp = { protocol: Protocol.UDP, hostPort: 53, containerPort: 53 };
  assert.throws(() => refuseSandbox({ portMappings: [udp] }, ""), refused(/hostPort 53 of another protocol/));
});

test("settings of the kernel are the pod's own or refused, and lead nowhere else", () => {
  const { NODE, POD } = NamespaceMode;
  const own = { "net.core.somaxconn": "64", "net/ipv4/conf/eth0.1/forwarding": "1", "kernel.shmmax": "1 2=3" };
  assert.deepEqual(kernelSettings(withSettings(own, POD, POD)), [
    ...["net/core/somaxconn=64", "net/ipv4/conf/eth0.1/forwarding=1", "kernel/shmmax=1 2=3"],
  ]);
  assert.deepEqual(kernelSettings({}), []);
  for (const name of [
    "vm.overcommit_memory",
    "kernel.core_pattern",
    "net/../vm/overcommit_memory",
    "net..x",
    "net./x",
    "",
  ])
    assert.throws(() => kernelSettings(withSettings({ [name]: "1" }, POD, POD)), refused(/not the pod's own/), name);
  assert.throws(() => kernelSettings(withSettings({ "net.core.somaxconn": "1" }, NODE, POD)), refused(/somaxconn/));
  assert.throws(() => refuseSandbox(withSettings({ "fs.mqueue.msg_max": "1" }, POD, NODE), ""), refused(/msg_max/));
});
