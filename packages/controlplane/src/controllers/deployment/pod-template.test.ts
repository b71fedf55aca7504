import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodTemplateSpec } from "@skerry/api";
import { templateHash } from "./pod-template.ts";

test("a template's hash is what it always was: another one would roll each Deployment", () => {
  const template: PodTemplateSpec = {
    metadata: { labels: { app: "web" } },
    spec: { containers: [{ name: "app", image: "app:1" }] },
  };
  assert.equal(templateHash(template, 0), "75744cdcf4");
  assert.equal(templateHash(template, 1), "bfcdc9cfc");
});
