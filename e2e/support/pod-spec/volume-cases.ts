import { HOST_FOLDER, HOST_MOUNTS, IMAGE, mounts, once, type PodSpecCase, script } from "./pod-spec-case.ts";

/** Volumes and their mounts. */
export const volumeCases: readonly PodSpecCase[] = [
  {
    name: "spec-volumes",
    fields: {
      PodSpec: "volumes",
      Container: "volumeMounts",
      Volume: "name configMap secret downwardAPI projected emptyDir hostPath",
      VolumeMount: "name mountPath subPath subPathExpr readOnly",
      ConfigMapVolumeSource: "name items defaultMode optional",
      KeyToPath: "key path mode",
      SecretVolumeSource: "secretName items defaultMode optional",
      DownwardAPIVolumeSource: "items defaultMode",
      DownwardAPIVolumeFile: "path fieldRef resourceFieldRef mode",
      EmptyDirVolumeSource: "medium",
      HostPathVolumeSource: "path type",
      ProjectedVolumeSource: "sources defaultMode",
      VolumeProjection: "configMap secret downwardAPI serviceAccountToken",
      ConfigMapProjection: "name items optional",
      SecretProjection: "name items optional",
      DownwardAPIProjection: "items",
      ServiceAccountTokenProjection: "path audience expirationSeconds",
    },
    others: [
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "spec-vol" }, data: { a: "A", b: "B" } },
      { apiVersion: "v1", kind: "Secret", metadata: { name: "spec-vol" }, stringData: { c: "C" } },
    ],
    pod: once(
      "spec-volumes",
      {
        ...script(
          "cat /map/deep/a; ls /map; stat -L -c %a /map/deep/a",
          "cat /hidden/c; stat -L -c %a /hidden/c",
          "cat /about/name; cat /about/limit; stat -L -c %a /about/name",
          "cat /all/a /all/c /all/name; test -s /all/token && echo token; stat -L -c %a /all/a",
          "grep -c ' /memory tmpfs ' /proc/mounts",
          "echo kept > /part/file; cat /whole/sub/file; ls -d /named",
          "touch /locked/x 2>/dev/null || echo locked",
          "ls -d /optional-map /optional-secret",
        ),
        env: [{ name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
        resources: { limits: { memory: "64Mi" } },
        volumeMounts: [
          ...mounts("map", "hidden", "about", "all", "memory", "whole", "optional-map", "optional-secret"),
          { name: "whole", mountPath: "/part", subPath: "sub" },
          { name: "whole", mountPath: "/named", subPathExpr: "$(POD)" },
          { name: "whole", mountPath: "/locked", readOnly: true },
        ],
      },
      {
        volumes: [
          {
            name: "map",
            configMap: { name: "spec-vol", items: [{ key: "a", path: "deep/a", mode: 0o440 }], defaultMode: 0o400 },
          },
          { name: "hidden", secret: { secretName: "spec-vol", items: [{ key: "c", path: "c" }], defaultMode: 0o400 } },
          {
            name: "about",
            downwardAPI: {
              defaultMode: 0o444,
              items: [
                { path: "name", fieldRef: { fieldPath: "metadata.name" }, mode: 0o404 },
                { path: "limit", resourceFieldRef: { containerName: "app", resource: "limits.memory" } },
              ],
            },
          },
          {
            name: "all",
            projected: {
              defaultMode: 0o404,
              sources: [
                { configMap: { name: "spec-vol", items: [{ key: "a", path: "a" }] } },
                { configMap: { name: "absent", optional: true } },
                { secret: { name: "spec-vol", items: [{ key: "c", path: "c" }] } },
                { secret: { name: "absent", optional: true } },
                { downwardAPI: { items: [{ path: "name", fieldRef: { fieldPath: "metadata.name" } }] } },
                { serviceAccountToken: { path: "token", audience: "plant", expirationSeconds: 3600 } },
              ],
            },
          },
          { name: "memory", emptyDir: { medium: "Memory" } },
          { name: "whole", hostPath: { path: HOST_FOLDER, type: "DirectoryOrCreate" } },
          { name: "optional-map", configMap: { name: "absent", optional: true } },
          { name: "optional-secret", secret: { secretName: "absent", optional: true } },
        ],
      },
    ),
    expected: [
      "Adeep",
      "440",
      "C400",
      /^spec-volumes67108864404$/,
      /^ACspec-volumestoken$/,
      "404",
      "1",
      "kept",
      "/named",
      "locked",
      "/optional-map",
      "/optional-secret",
    ],
  },
  {
    name: "spec-claim",
    fields: {
      Volume: "persistentVolumeClaim",
      PersistentVolumeClaimVolumeSource: "claimName readOnly",
      PodSecurityContext: "fsGroup fsGroupChangePolicy",
    },
    others: [
      {
        apiVersion: "storage.k8s.io/v1",
        kind: "StorageClass",
        metadata: { name: "local-path" },
        provisioner: "skerry.io/local-path",
        volumeBindingMode: "WaitForFirstConsumer",
        reclaimPolicy: "Retain",
      },
      {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name: "spec-claim" },
        spec: {
          storageClassName: "local-path",
          accessModes: ["ReadWriteOnce"],
          resources: { requests: { storage: "1Mi" } },
        },
      },
    ],
    pod: once(
      "spec-claim",
      {
        ...script(
          "echo kept > /data/file && cat /locked/file",
          "stat -c %g /data /data/file",
          "touch /locked/file 2>/dev/null || echo locked",
        ),
        volumeMounts: mounts("data", "locked"),
      },
      {
        volumes: [
          { name: "data", persistentVolumeClaim: { claimName: "spec-claim" } },
          { name: "locked", persistentVolumeClaim: { claimName: "spec-claim", readOnly: true } },
        ],
        securityContext: { runAsUser: 1000, fsGroup: 4000, fsGroupChangePolicy: "OnRootMismatch" },
      },
    ),
    expected: ["kept", "4000", "4000", "locked"],
  },
  {
    name: "spec-mounts",
    fields: { VolumeMount: "mountPropagation" },
    pod: once(
      "spec-mounts",
      {
        ...script(
          "touch /seen/waits",
          "until test -e /seen/made/file; do sleep 1; done; echo seen",
          "test -e /unseen/waits && test -d /unseen/made && ! test -e /unseen/made/file && echo unseen",
        ),
        volumeMounts: [
          { name: "host", mountPath: "/seen", mountPropagation: "HostToContainer" },
          { name: "host", mountPath: "/unseen", mountPropagation: "None" },
        ],
      },
      {
        volumes: [{ name: "host", hostPath: { path: HOST_MOUNTS, type: "Directory" } }],
        initContainers: [
          {
            name: "maker",
            ...IMAGE,
            ...script(
              "until test -e /both/waits; do sleep 1; done",
              "mkdir /both/made && mount -t tmpfs made /both/made && touch /both/made/file",
              "exec sleep 1000",
            ),
            restartPolicy: "Always",
            securityContext: { privileged: true },
            volumeMounts: [{ name: "host", mountPath: "/both", mountPropagation: "Bidirectional" }],
          },
        ],
      },
    ),
    expected: ["seen", "unseen"],
  },
  {
    name: "spec-ephemeral",
    fields: { Volume: "ephemeral", EphemeralVolumeSource: "volumeClaimTemplate" },
    pod: once(
      "spec-ephemeral",
      { ...script("echo kept > /data/file && cat /data/file"), volumeMounts: mounts("data") },
      {
        volumes: [
          {
            name: "data",
            ephemeral: {
              volumeClaimTemplate: {
                spec: {
                  storageClassName: "local-path",
                  accessModes: ["ReadWriteOnce"],
                  resources: { requests: { storage: "1Mi" } },
                },
              },
            },
          },
        ],
      },
    ),
    expected: ["kept"],
  },
  {
    name: "spec-memory",
    fields: { EmptyDirVolumeSource: "sizeLimit" },
    pod: once(
      "spec-memory",
      {
        ...script("df -k /small | tail -n 1 | tr -s ' ' | cut -d ' ' -f 2"),
        volumeMounts: [{ name: "small", mountPath: "/small", readOnly: true, recursiveReadOnly: "IfPossible" }],
      },
      { volumes: [{ name: "small", emptyDir: { medium: "Memory", sizeLimit: "2Mi" } }] },
    ),
    expected: ["2048"],
  },
];
