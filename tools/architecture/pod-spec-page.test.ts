// docs/pod-spec.md names every field of a pod, "FieldNotSupported" of just what Edged refuses, and "works" only with a test.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { workingFields } from "../../e2e/support/pod-spec/all-cases.ts";
import { refusedCases } from "../../e2e/support/pod-spec/refused-cases.ts";
import { TypeCatalog } from "../../packages/controlplane/src/openapi/type-table.ts";
import { coreTypes } from "../../packages/controlplane/src/openapi/types/core-types.ts";
import { metaTypes } from "../../packages/controlplane/src/openapi/types/meta-types.ts";
import { podTypes } from "../../packages/controlplane/src/openapi/types/pod-types.ts";
import { volumeTypes } from "../../packages/controlplane/src/openapi/types/volume-types.ts";
import { REFUSED_FIELDS } from "../../packages/edgecore/src/edged/pod/refused-fields.ts";

const docs = join(import.meta.dirname, "../../docs");
const STATES = ["works", "untested here", "in part", "refused", "elsewhere", "not applicable"];

/** The fields of PodSpec and of all below it, by the short name of their type. */
function fieldsOfPods(): ReadonlyMap<string, ReadonlySet<string>> {
  const catalog = new TypeCatalog([podTypes, volumeTypes, coreTypes, metaTypes]);
  const found = new Map<string, ReadonlySet<string>>();
  const visit = (name: string): void => {
    const shortName = name.split(".").at(-1) ?? "";
    if (found.has(shortName)) return;
    const { fields } = catalog.get(name);
    found.set(shortName, new Set(fields.keys()));
    for (let { type } of fields.values()) {
      while (type.kind === "list" || type.kind === "map") type = type.item;
      if (type.kind === "object") visit(type.name);
    }
  };
  visit("core.v1.PodSpec");
  return found;
}

interface Row {
  readonly type: string;
  readonly members: readonly string[];
  readonly isWhole: boolean;
  readonly state: string;
  readonly text: string;
}

function rowsOfPage(all: ReadonlyMap<string, ReadonlySet<string>>): Row[] {
  const page = readFileSync(join(docs, "pod-spec.md"), "utf8");
  return [...page.matchAll(/^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]*) \|$/gm)].map(
    ([, type = "", members = "", state = "", text = ""]) => ({
      type,
      members: members === "*" ? [...(all.get(type) ?? [])] : members.split(", "),
      isWhole: members === "*",
      state,
      text,
    }),
  );
}

const all = fieldsOfPods();
const rows = rowsOfPage(all);
const nameOf = (type: string, member: string): string => `${type}.${member}`;

test("every field of a pod is on the page once, and nothing else is", () => {
  const expected = [...all].flatMap(([type, members]) => [...members].map((member) => nameOf(type, member)));
  const listed = rows.flatMap(({ type, members }) => members.map((member) => nameOf(type, member)));
  assert.deepEqual(listed.toSorted(), expected.toSorted());
  for (const { type, state } of rows) assert.ok(STATES.includes(state), `${type}: ${state}`);
});

test("what the page calls FieldNotSupported is just what Edged refuses", () => {
  const refused = rows
    .filter(({ text, type }) => text.includes("FieldNotSupported") && type !== "EphemeralContainer")
    .flatMap(({ type, members }) => members.map((member) => nameOf(type, member)));
  // Refused for what it holds, by the limited resource's name.
  const expected = [...REFUSED_FIELDS, { type: "ResourceRequirements", member: "limits" }];
  assert.deepEqual(refused.toSorted(), expected.map(({ type, member }) => nameOf(type, member)).toSorted());
});

test("what the page says works is shown by the case or the test that it names", () => {
  const shownBy = new Map(
    workingFields.map(({ name, fields }) => [
      name,
      new Set(
        Object.entries(fields).flatMap(([type, members]) => members.split(" ").map((each) => nameOf(type, each))),
      ),
    ]),
  );
  for (const { type, members, text } of rows.filter(({ state }) => state === "works")) {
    const [, name = ""] = /^`(.+)`$/.exec(text) ?? [];
    const [, path = ""] = /\]\(([^)]+)\)/.exec(text) ?? [];
    const file = join(docs, path);
    assert.ok(shownBy.has(name) || (path !== "" && existsSync(file)), `${type}: ${text}`);
    const content = name === "" ? readFileSync(file, "utf8") : "";
    for (const member of members)
      assert.ok(
        shownBy.get(name)?.has(nameOf(type, member)) ?? new RegExp(`\\b${member}\\b`).test(content),
        nameOf(type, member),
      );
  }
});

test("a case of the end-to-end test shows fields that there are", () => {
  for (const { name, fields } of [...workingFields, ...refusedCases])
    for (const [type, members] of Object.entries(fields))
      for (const member of members.split(" "))
        assert.ok(all.get(type)?.has(member), `${name}: ${nameOf(type, member)}`);
});
