import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { localServices } from "../local-services.ts";
import { localPod, service } from "../testing/service-objects.ts";
import { chainNames, iptablesFilter, removeRules } from "./iptables.ts";
import { noteOfRules } from "./note-of-rules.ts";

const web = service("web", { clusterIP: "10.96.3.4", selector: { app: "web" }, ports: [{ port: 80 }] });

/** Keeps the jumps of a table, the first one first, as the kernel does; each chain of the kernel's is a file. */
const IPTABLES = `
  chain=$FOLDER/$4-$6; touch $chain; echo "$4 $5 $6" >> $FOLDER/calls
  case $5 in
    -S) echo "-P $6 ACCEPT"; cat $chain ;;
    -A) echo "-A $6 -j $8" >> $chain ;;
    -I) { echo "-A $6 -j $8"; cat $chain; } > $chain.new; mv $chain.new $chain ;;
    -D) grep -vx -- "-A $6 -j $8" $chain > $chain.new; mv $chain.new $chain ;;
  esac`;

/** Replaces chains, or, where none is named, follows the commands in one step. */
const IPTABLES_RESTORE = `
  cat > $FOLDER/input; echo restore >> $FOLDER/calls
  if grep -q '^:' $FOLDER/input; then mv $FOLDER/input $FOLDER/rules; exit; fi
  table=$(sed -n 's/^[*]//p' $FOLDER/input)
  grep '^-' $FOLDER/input | while read -r command; do iptables -w 10 -t $table $command || exit 1; done`;

/** Programs that note how they are called. The kernel's own are tried end to end. */
class NotingPrograms implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "skerry-iptables-"));
  /** Edged's folder of one node. */
  readonly root = join(this.folder, "edged");
  readonly environment = { FOLDER: this.folder, PATH: `${this.folder}:${process.env["PATH"] ?? ""}` };

  constructor() {
    this.write("iptables-restore", IPTABLES_RESTORE);
    this.write("iptables", IPTABLES);
    this.write("ip6tables", "exit 1");
  }

  write(name: string, script: string): void {
    writeFileSync(join(this.folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(this.folder, name), 0o755);
  }

  /** How they were called since the last time that this was asked. */
  calls(): string[] {
    const path = join(this.folder, "calls");
    const lines = readFileSync(path, "utf8").trim().split("\n");
    writeFileSync(path, "");
    return lines.filter((line) => line !== "");
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const changes = (calls: readonly string[]): string[] => calls.filter((call) => !call.includes(" -S "));

test("the kernel's chains lead to the node's own once, and unchanged rules are made again only to renew them", async () => {
  using programs = new NotingPrograms();
  const filter = iptablesFilter(programs.root, "IPv4", programs.environment);
  await filter.apply([], [], true);
  assert.deepEqual(changes(programs.calls()), [
    ...["restore", "nat -A PREROUTING", "nat -A OUTPUT", "nat -I POSTROUTING"],
    ...["filter -I INPUT", "filter -I FORWARD", "filter -I OUTPUT"],
  ]);
  const services = localServices([web], [localPod("web-1", "10.244.1.2")], "cluster.local");
  await filter.apply(services, [], false);
  assert.deepEqual(programs.calls(), ["restore", "filter -S FORWARD"]);
  assert.match(readFileSync(join(programs.folder, "rules"), "utf8"), /--to-destination 10\.244\.1\.2:80/);
  await filter.apply(services, [], false);
  assert.deepEqual(programs.calls(), []);
  await filter.apply(services, [], true);
  assert.deepEqual(changes(programs.calls()), ["restore"]);
});

test("what a pod's network has put before the node's own rules comes after them again, in one step", async () => {
  using programs = new NotingPrograms();
  const filter = iptablesFilter(programs.root, "IPv4", programs.environment);
  await filter.apply([], [], true);
  const forward = join(programs.folder, "filter-FORWARD");
  writeFileSync(forward, `-A FORWARD -j CNI-FORWARD\n${readFileSync(forward, "utf8")}`);
  programs.calls();
  await filter.apply(localServices([web], [], "cluster.local"), [], false);
  assert.deepEqual(changes(programs.calls()), ["restore", "restore", "filter -D FORWARD", "filter -I FORWARD"]);
  assert.deepEqual(readFileSync(forward, "utf8").trim().split("\n"), [
    `-A FORWARD -j ${chainNames(programs.root).filter}`,
    "-A FORWARD -j CNI-FORWARD",
  ]);
});

test("several nodes of one machine leave each other's rules where they are", async () => {
  using programs = new NotingPrograms();
  const one = iptablesFilter(programs.root, "IPv4", programs.environment);
  const other = iptablesFilter(join(programs.folder, "other"), "IPv4", programs.environment);
  await one.apply([], [], true);
  await other.apply([], [], true);
  programs.calls();
  await one.apply([], [], true);
  await other.apply([], [], true);
  assert.deepEqual(changes(programs.calls()), ["restore", "restore"]);
});

test("rules that the kernel refuses are told with its own words, and tried again as a whole", async () => {
  using programs = new NotingPrograms();
  const filter = iptablesFilter(programs.root, "IPv4", programs.environment);
  programs.write("iptables-restore", "echo 'no such module' >&2; exit 1");
  await assert.rejects(
    filter.apply([], [], true),
    (error) => isSkerryError(error, "SERVICES_RULES_REFUSED") && /no such module/.test(error.message),
  );
  programs.write("iptables-restore", "echo restore >> $FOLDER/calls");
  await filter.apply([], [], false);
  assert.equal(changes(programs.calls()).length, 7);
});

test("what is removed is the node's own, and a machine without the programs is no reason to fail", async () => {
  using programs = new NotingPrograms();
  await removeRules(programs.root, { iptables: "iptables", ip6tables: "ip6tables", environment: programs.environment });
  const calls = programs.calls();
  const { services, masquerade, filter } = chainNames(programs.root);
  for (const call of [`nat -X ${services}`, `nat -X ${masquerade}`, `filter -X ${filter}`])
    assert.ok(calls.includes(call), call);
  await removeRules(programs.root, { iptables: "/no/such/iptables", ip6tables: "/no/such/ip6tables", environment: {} });
  assert.notDeepEqual(chainNames("/var/lib/other"), chainNames(programs.root));
});

test("that there may be rules is noted before the first is made, until they are removed; a full disk stops no rules", async () => {
  using programs = new NotingPrograms();
  const note = noteOfRules(programs.root, "IPv4");
  await removeRules(programs.root, { iptables: "iptables", ip6tables: "ip6tables", environment: programs.environment });
  programs.write("iptables-restore", `[ -e ${note} ]`);
  await iptablesFilter(programs.root, "IPv4", programs.environment).apply([], [], true);
  assert.ok(existsSync(note));
  const { environment } = programs;
  assert.equal(
    await removeRules(programs.root, { iptables: "/no/such/iptables", ip6tables: "/no/such/ip6tables", environment }),
    false,
  );
  programs.write("iptables", "[ $5 != -X ]");
  assert.equal(
    await removeRules(programs.root, { iptables: "iptables", ip6tables: "ip6tables", environment }),
    false,
    "one is in use",
  );
  programs.write("iptables", "exit 4");
  assert.equal(
    await removeRules(programs.root, { iptables: "iptables", ip6tables: "ip6tables", environment }),
    false,
    "the lock is held",
  );
  assert.ok(existsSync(note));
  programs.write("iptables", "[ $5 != -D ] || exit 2; exit 1");
  assert.equal(
    await removeRules(programs.root, { iptables: "iptables", ip6tables: "ip6tables", environment }),
    true,
    "after a reboot",
  );
  assert.equal(existsSync(note), false);
  programs.write("iptables", IPTABLES);
  await iptablesFilter(programs.root, "IPv4", environment).apply([], [], true);
  assert.equal(await removeRules(programs.root, { iptables: "iptables", ip6tables: "ip6tables", environment }), true);
  assert.equal(existsSync(note), false);
  programs.write("iptables-restore", "true");
  await iptablesFilter("/dev/null", "IPv4", programs.environment).apply([], [], true);
});

test("rules of IPv6 are made by the programs for it, and removed with the others", async () => {
  using programs = new NotingPrograms();
  programs.write("ip6tables", IPTABLES);
  programs.write("ip6tables-restore", IPTABLES_RESTORE);
  for (const name of ["iptables", "iptables-restore"]) programs.write(name, "exit 1");
  const both = service("web", {
    clusterIPs: ["10.96.3.4", "fd00:10:96::4"],
    selector: { app: "web" },
    ports: [{ port: 80 }],
  });
  const filter = iptablesFilter(programs.root, "IPv6", programs.environment);
  await filter.apply(localServices([both], [localPod("web-1", "fd00:7::2")], "cluster.local"), [], true);
  const rules = readFileSync(join(programs.folder, "rules"), "utf8");
  assert.match(rules, /-d fd00:10:96::4\/128 .* -j DNAT --to-destination \[fd00:7::2\]:80/);
  assert.doesNotMatch(rules, /10\.96\.3\.4/);
  const { environment } = programs;
  const note = noteOfRules(programs.root, "IPv6");
  assert.ok(existsSync(note));
  programs.write("ip6tables", "exit 4");
  assert.equal(await removeRules(programs.root, { iptables: "iptables", ip6tables: "ip6tables", environment }), false);
  programs.write("ip6tables", IPTABLES);
  assert.equal(await removeRules(programs.root, { iptables: "iptables", ip6tables: "ip6tables", environment }), true);
  assert.equal(existsSync(note), false);
});
