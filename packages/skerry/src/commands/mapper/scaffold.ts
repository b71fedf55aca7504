/** What `skerry mapper new` writes: file names and their contents. */
export function scaffold(name: string, sdkFolder: string): ReadonlyMap<string, string> {
  return new Map([
    ["driver.ts", driver(name)],
    ["model.yaml", model(name)],
    ["device.yaml", device(name)],
    ["package.json", packageJson(name, sdkFolder)],
    ["tsconfig.json", tsconfig],
    ["README.md", readme(name)],
  ]);
}

const driver = (name: string): string => `import { defineDriver, integer, text } from "@skerry/mapper";

/** Replace what talks to the "device" here: a Map. */
export default defineDriver({
  protocol: ${JSON.stringify(name)},
  deviceConfig: { host: text("127.0.0.1"), port: integer(1, 65_535, 9000) },
  propertyConfig: { channel: integer(0) },
  // Reach the device. What is thrown takes it offline; it is tried again.
  async open({ host, port }, { logger }) {
    logger.info("Opened", { host, port });
    return new Map<number, number>([[0, 21.5], [1, 21]]);
  },
  // Called each collectCycle. Hand the signal on to what you wait for: fetch(url, { signal }).
  async read(session, { config }, { signal }) {
    signal.throwIfAborted();
    return session.get(config.channel) ?? 0;
  },
  // Without it nothing can be written.
  async write(session, { config }, value) {
    session.set(config.channel, Number(value));
  },
  close(session) {
    session.clear();
  },
});
`;

const model = (name: string): string => `apiVersion: devices.kubeedge.io/v1beta1
kind: DeviceModel
metadata:
  name: ${name}
  namespace: default
spec:
  protocol: ${name}
  properties:
    - name: temperature
      type: FLOAT # INT, FLOAT, DOUBLE, STRING, BOOLEAN, BYTES
      accessMode: ReadOnly
      unit: Celsius
    - name: target
      type: FLOAT
      accessMode: ReadWrite
      minimum: "5"
      maximum: "30"
`;

const device = (name: string): string => `apiVersion: devices.kubeedge.io/v1beta1
kind: Device
metadata:
  name: my-${name}
  namespace: default
spec:
  deviceModelRef:
    name: ${name}
  nodeName: edge-node-1
  protocol:
    protocolName: ${name}
    configData: # deviceConfig of the driver
      host: 127.0.0.1
      port: 9000
  properties:
    - name: temperature
      collectCycle: 1000 # milliseconds
      reportCycle: 5000
      reportToCloud: true
      visitors:
        configData: # propertyConfig of the driver
          channel: 0
    - name: target
      collectCycle: 1000
      reportToCloud: true
      desired:
        value: "21"
      visitors:
        configData:
          channel: 1
`;

const packageJson = (name: string, sdkFolder: string): string => `${JSON.stringify(
  {
    name,
    version: "0.1.0",
    private: true,
    type: "module",
    scripts: { dev: "skerry mapper dev driver.ts", test: "skerry mapper test driver.ts" },
    // Types for the editor; Skerry brings the code itself.
    devDependencies: { "@skerry/mapper": `file:${sdkFolder}`, "@types/node": "^24.0.0" },
  },
  undefined,
  2,
)}
`;

const tsconfig = `{
  "compilerOptions": {
    "target": "es2024",
    "lib": ["es2024", "esnext.disposable"],
    "module": "nodenext",
    "noEmit": true,
    "strict": true,
    "erasableSyntaxOnly": true,
    "verbatimModuleSyntax": true,
    "allowImportingTsExtensions": true,
    "skipLibCheck": true,
    "types": ["node"]
  },
  "include": ["*.ts"]
}
`;

const readme = (name: string): string => `# ${name}

A driver for devices of protocol \`${name}\`: \`driver.ts\`. \`model.yaml\` says what they have, \`device.yaml\` where one is.

\`\`\`sh
npm install                     # types for the editor; nothing else needs it
skerry mapper test driver.ts    # finds the driver's bugs, without a cluster
kubectl apply -f model.yaml -f device.yaml
skerry mapper dev driver.ts     # on the edge node; what you save is in use at once
kubectl get device my-${name} -o yaml
\`\`\`
`;
