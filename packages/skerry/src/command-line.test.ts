import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { parseArgs } from "node:util";
import { runCommandLine } from "./command-line.ts";
import { type Command, EXIT_OK, EXIT_USAGE } from "./commands/command.ts";

function command(name: string, internal: boolean): Command {
  const run = async (parameters: readonly string[]): Promise<number> => {
    parseArgs({ args: [...parameters], options: { port: { type: "string" } } });
    return EXIT_OK;
  };
  return { name, summary: `runs ${name}`, help: `usage of ${name}\n`, internal, run };
}

const commands = [command("up", false), command("controlplane", false), command("edgecore", true)];

/** What the command line prints and its exit code. */
async function entered(context: TestContext, ...parameters: string[]): Promise<{ code: number; text: string }> {
  let text = "";
  const write = (chunk: string): boolean => {
    text += chunk;
    return true;
  };
  const mocks = [process.stdout, process.stderr].map((stream) => context.mock.method(stream, "write", write));
  const code = await runCommandLine(commands, parameters);
  for (const mock of mocks) mock.mock.restore();
  return { code, text };
}

test("a command that does not exist is answered with those that do, whether it is run or asked about", async (context) => {
  for (const parameters of [
    ["wy", "pod"],
    ["help", "wy"],
    ["--help", "wy"],
  ])
    assert.deepEqual(await entered(context, ...parameters), {
      code: EXIT_USAGE,
      text: 'SKERRY_USAGE: There is no command "wy"; there are up, controlplane\nSee `skerry --help`.\n',
    });
});

test("a wrong option is answered in one line, and with the help of that very command", async (context) => {
  assert.deepEqual(await entered(context, "up", "--prot", "1"), {
    code: EXIT_USAGE,
    text: "SKERRY_USAGE: Unknown option '--prot'\nSee `skerry up --help`.\n",
  });
  assert.match(
    (await entered(context, "edgecore", "now")).text,
    /^SKERRY_USAGE: .*'now'.*\nSee `edgecore --help`\.\n$/,
  );
});

test("help is the command's own, and without a name the list of those that users run", async (context) => {
  for (const parameters of [
    ["help", "up"],
    ["up", "--help"],
    ["up", "--prot", "-h"],
  ])
    assert.deepEqual(await entered(context, ...parameters), { code: EXIT_OK, text: "usage of up\n" });
  for (const parameters of [[], ["help"], ["--help"]]) {
    const { code, text } = await entered(context, ...parameters);
    assert.equal(code, EXIT_OK);
    assert.match(text, /^ {2}up {12}runs up\n {2}controlplane {2}runs controlplane$/m);
    assert.doesNotMatch(text, /runs edgecore/);
  }
});
