import assert from "node:assert/strict";
import { test } from "node:test";
import { pluginErrors } from "./errors.ts";

test("a plugin's own words are cut where they are too long for a status", () => {
  const errors = pluginErrors("/plugins/camera.sock");
  const text = "x".repeat(100_000);
  for (const error of [errors.failed("Allocate", 2, text), errors.unavailable("camera", new Error(text))])
    assert.equal(error.message.match(/x+$/)?.[0].length, 1024);
});
