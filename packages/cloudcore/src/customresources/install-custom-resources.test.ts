import assert from "node:assert/strict";
import { test } from "node:test";
import { type CustomResourceDefinition, customResourceDefinitions, kubeEdgeDefinitions } from "@skerry/api";
import { isSkerryError, silentLogger } from "@skerry/base";
import { ManualClock, settle } from "@skerry/base/testing";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { installCustomResources } from "./install-custom-resources.ts";

const devicesName = "devices.devices.kubeedge.io";
const target = (name: string): { resource: typeof customResourceDefinitions; name: string } => ({
  resource: customResourceDefinitions,
  name,
});

async function establishAll(api: MemoryKubernetesApi): Promise<void> {
  for (const { metadata } of kubeEdgeDefinitions)
    await api.patch(
      { ...target(metadata.name), subresource: "status" },
      { type: "merge", body: { status: { conditions: [{ type: "Established", status: "True" }] } } },
    );
}

test("the definitions are installed and waited for", async () => {
  const api = new MemoryKubernetesApi();
  const clock = new ManualClock();
  let installed = false;
  const done = installCustomResources({ api, clock, logger: silentLogger }).then(() => {
    installed = true;
  });
  await clock.advance(1_000);
  assert.equal((await api.list({ resource: customResourceDefinitions })).items.length, kubeEdgeDefinitions.length);
  assert.equal(installed, false);
  await establishAll(api);
  await clock.advance(1_000);
  await done;
});

test("own definitions of an older Skerry are brought up to date, foreign ones left alone", async () => {
  const api = new MemoryKubernetesApi();
  const clock = new ManualClock();
  for (const definition of kubeEdgeDefinitions) {
    const copy = structuredClone(definition);
    for (const version of copy.spec.versions) delete version.additionalPrinterColumns;
    if (copy.metadata.name === devicesName) delete copy.metadata.labels;
    await api.create({ resource: customResourceDefinitions }, copy);
  }
  await establishAll(api);
  await installCustomResources({ api, clock, logger: silentLogger });
  for (const definition of kubeEdgeDefinitions) {
    const { spec } = await api.get<CustomResourceDefinition>(target(definition.metadata.name));
    const isForeign = definition.metadata.name === devicesName;
    assert.equal(spec.versions[0]?.additionalPrinterColumns === undefined, isForeign, definition.metadata.name);
  }
});

test("a further version of an own definition stays, whatever else is brought up to date", async () => {
  const api = new MemoryKubernetesApi();
  const older = { name: "v1alpha2", served: true, storage: false, schema: { openAPIV3Schema: { type: "object" } } };
  for (const definition of kubeEdgeDefinitions) {
    const copy = structuredClone(definition);
    for (const version of copy.spec.versions) delete version.additionalPrinterColumns;
    if (copy.metadata.name === devicesName) copy.spec.versions.push(older);
    await api.create({ resource: customResourceDefinitions }, copy);
  }
  await establishAll(api);
  await installCustomResources({ api, clock: new ManualClock(), logger: silentLogger });
  const { spec } = await api.get<CustomResourceDefinition>(target(devicesName));
  assert.deepEqual(spec.versions[1], older);
  assert.ok(spec.versions[0]?.additionalPrinterColumns);
});

test("a foreign definition without the version that Skerry speaks is refused with a code", async () => {
  const api = new MemoryKubernetesApi();
  const definition = structuredClone(kubeEdgeDefinitions.find(({ metadata }) => metadata.name === devicesName));
  assert.ok(definition?.spec.versions[0]);
  delete definition.metadata.labels;
  definition.spec.versions[0].name = "v1alpha2";
  await api.create({ resource: customResourceDefinitions }, definition);
  await assert.rejects(installCustomResources({ api, clock: new ManualClock(), logger: silentLogger }), (error) =>
    isSkerryError(error, "CLOUDCORE_DEFINITION_UNUSABLE"),
  );
});

test("a definition that is never established ends with the server's reason", async () => {
  const api = new MemoryKubernetesApi();
  const clock = new ManualClock();
  const outcome = installCustomResources({ api, clock, logger: silentLogger }).catch((error: unknown) => error);
  await settle();
  await api.patch(
    { ...target(kubeEdgeDefinitions[0]?.metadata.name ?? ""), subresource: "status" },
    {
      type: "merge",
      body: { status: { conditions: [{ type: "NamesAccepted", status: "False", message: "names are taken" }] } },
    },
  );
  await clock.advance(31_000);
  const error = await outcome;
  assert.ok(isSkerryError(error, "CLOUDCORE_DEFINITION_NOT_ESTABLISHED"));
  assert.match(error.message, /names are taken/);
});
