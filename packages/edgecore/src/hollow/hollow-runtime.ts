import { FakeContainerRuntime } from "../edged/testing/fake-container-runtime.ts";

/** The container runtime of a hollow node: every image is there at once, every container runs and does nothing. */
export class HollowRuntime extends FakeContainerRuntime {
  override async pullImage(image: string): Promise<string> {
    this.pullable.clear();
    this.pullable.add(image);
    this.actions.length = 0; // Kept for tests; nobody reads it here.
    return super.pullImage(image, undefined);
  }
}
