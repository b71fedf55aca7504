import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { token } from "./token.ts";

test("a token for a node with an impossible name is a usage error", async () => {
  for (const name of ["Bad Name", "", "UPPER", "a/b"])
    await assert.rejects(
      token.run(["--node", name]),
      (error) => isSkerryError(error, "SKERRY_USAGE") && error.message.includes(JSON.stringify(name)),
    );
});
