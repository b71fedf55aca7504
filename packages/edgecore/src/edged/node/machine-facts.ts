import type { EdgedConfig } from "../config.ts";
import type { ContainerRuntime, HostFacts, HostInfo, RuntimeFeatures } from "../ports.ts";
import { type Allocatable, allocatableOf } from "./allocatable.ts";

/** Facts about this machine and its runtime, asked for once. */
export class MachineFacts {
  readonly #host: HostInfo;
  readonly #runtime: ContainerRuntime;
  readonly #config: EdgedConfig;
  #facts: HostFacts | undefined;
  #diskBytes: number | undefined;
  #features: RuntimeFeatures | undefined;
  #runtimeVersion: { readonly name: string; readonly version: string } | undefined;

  constructor(host: HostInfo, runtime: ContainerRuntime, config: EdgedConfig) {
    this.#host = host;
    this.#runtime = runtime;
    this.#config = config;
  }

  /** What the machine has, but of its control groups only what the runtime uses. */
  async hostFacts(): Promise<HostFacts> {
    this.#facts ??= await this.#host.facts();
    const limits = this.#features?.limits;
    return limits ? { ...this.#facts, cgroups: { ...limits, hugePages: false } } : this.#facts;
  }

  /** What pods together may ask of the node: what containers without limits read as theirs. */
  async allocatable(): Promise<Allocatable> {
    this.#diskBytes ??= (await this.#host.pressure(this.#config.rootDirectory)).diskTotalBytes;
    return allocatableOf(this.#config, await this.hostFacts(), this.#diskBytes);
  }

  /** The node's addresses, one of each family at most; may change when the machine moves to another network. */
  async addresses(): Promise<readonly string[]> {
    return this.#config.nodeIps ?? (await this.#host.addresses());
  }

  /** e.g. `containerd`, the scheme of container ids. @throws `RUNTIME_UNAVAILABLE` until it first answered */
  async runtimeVersion(): Promise<{ readonly name: string; readonly version: string }> {
    this.#runtimeVersion ??= await this.#runtime.version();
    return this.#runtimeVersion;
  }

  /** @throws `RUNTIME_UNAVAILABLE` until it first answered */
  async runtimeFeatures(): Promise<RuntimeFeatures> {
    this.#features ??= await this.#runtime.features();
    return this.#features;
  }
}
