import assert from "node:assert/strict";
import { test } from "node:test";
import { SkerryError } from "@skerry/base";
import fc from "fast-check";
import { adoptDesired } from "./desired-value.ts";
import type { DeviceDefinition } from "./device-definition.ts";
import { defaultDeviceTwinLimits } from "./limits.ts";
import { delta } from "./twin-document.ts";
import { type Twin, type TwinVersion, withChanges } from "./twin-property.ts";
import type { PropertyUpdate } from "./twin-request.ts";
import { applyUpdates } from "./twin-update.ts";

const limits = { ...defaultDeviceTwinLimits, maximumPropertiesPerDevice: 4 };
const names = ["a", "b", "c", "d", "e"];

/** What either side does to the twin. */
type Step =
  | { readonly kind: "client"; readonly updates: readonly PropertyUpdate[] }
  | { readonly kind: "cloud"; readonly desired: Readonly<Record<string, string>> };

const value = fc.constantFrom("", "1", "2.50", "2.5", "true", "a b");
const update = fc.oneof(
  fc.record({ kind: fc.constant("delete" as const), name: fc.constantFrom(...names) }),
  fc
    .record(
      {
        name: fc.constantFrom(...names),
        expected: value,
        actual: value,
        optional: fc.boolean(),
        type: fc.constantFrom("string", "float", "int", "BOOLEAN", "odd"),
      },
      { requiredKeys: ["name"] },
    )
    .map((set): PropertyUpdate => ({ kind: "set", ...set })),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc
    .uniqueArray(update, { maxLength: 3, selector: ({ name }) => name })
    .map((updates): Step => ({ kind: "client", updates })),
  fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 3 }).map((desired): Step => ({ kind: "cloud", desired })),
);

function definition(desired: Readonly<Record<string, string>>, version: number): DeviceDefinition {
  const properties = Object.entries(desired).map(
    ([name, text]) =>
      [
        name,
        { name, access: "ReadWrite", desired: text === "" ? null : text, conflict: "newest", effect: "at-least-once" },
      ] as const,
  );
  return {
    id: "default/x",
    name: "x",
    uid: "1",
    description: "",
    version,
    modelKnown: true,
    modelName: "",
    calledByName: false,
    properties: new Map(properties),
  };
}

function isOlder(next: TwinVersion | null | undefined, before: TwinVersion | null): boolean {
  if (before === null) return false;
  return next === null || next === undefined || next.cloud < before.cloud || next.edge < before.edge;
}

test("whatever clients and the cloud do, versions never go back, limits hold, and a refused request changes nothing", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      let twin: Twin = new Map();
      steps.forEach((current, index) => {
        const before = twin;
        if (current.kind === "client") {
          try {
            const context = { deviceId: "default/x", nowMs: index, limits, definition: undefined };
            twin = withChanges(twin, applyUpdates(twin, current.updates, context));
          } catch (error) {
            assert.ok(error instanceof SkerryError && error.code.startsWith("DEVICETWIN_"), String(error));
          }
        } else {
          const wanted = definition(current.desired, index);
          twin = withChanges(twin, adoptDesired(twin, wanted, index, limits).changes);
          assert.deepEqual(adoptDesired(twin, wanted, index, limits).changes, [], "the same Device twice does nothing");
        }
        assert.ok(twin.size <= limits.maximumPropertiesPerDevice);
        for (const [name, property] of before) {
          const after = twin.get(name);
          assert.ok(!isOlder(after?.expectedVersion, property.expectedVersion));
          assert.ok(!isOlder(after?.actualVersion, property.actualVersion));
        }
        for (const property of twin.values()) assert.notEqual(property.expected?.value, "");
      });
    }),
  );
});

test("a desired value of a property that no client could report on is refused, the others are not", () => {
  const adopted = adoptDesired(new Map(), definition({ "bad name": "1", a: "2" }, 7), 0, limits);
  assert.deepEqual(
    adopted.refused.map(({ property, error }) => [property, error instanceof SkerryError && error.code]),
    [["bad name", "DEVICETWIN_PROPERTY_NAME_INVALID"]],
  );
  assert.deepEqual(
    adopted.changes.map(({ after }) => after.name),
    ["a"],
  );
});

test("a desired value is in the delta until the device reports it, whatever its type", () => {
  fc.assert(
    fc.property(fc.constantFrom("1", "2.5", "true", "a b"), (desired) => {
      const adopted = adoptDesired(new Map(), definition({ a: desired }, 7), 0, limits);
      const twin = withChanges(new Map(), adopted.changes);
      const head = { eventId: "", timestampMs: 0 };
      assert.deepEqual(delta(head, twin)?.["delta"], { a: desired });
      const context = { deviceId: "default/x", nowMs: 1, limits, definition: undefined };
      const done = withChanges(twin, applyUpdates(twin, [{ kind: "set", name: "a", actual: desired }], context));
      assert.equal(delta(head, done), null);
    }),
  );
});
