import * as cri from "../../edged/platform/generated/cri.ts";
import { encodeImageFolder } from "./container-stats.ts";
import type { Containers } from "./containers.ts";
import { type Methods, serve } from "./cri-methods.ts";
import type { ImageStore, StoredImage } from "./image-store.ts";
import { IncomingLayers } from "./incoming-layers.ts";
import { pullImage } from "./registry-client.ts";

/** CRI's image service, and of containerd's content service what tells how far pulls are. */
export function imageMethods(images: ImageStore, containers: Containers): Methods {
  const incoming = new IncomingLayers();
  const at = (method: string): string => `/runtime.v1.ImageService/${method}`;
  return [
    [
      at("ListImages"),
      serve(cri.ListImagesRequest, cri.ListImagesResponse, async () => ({
        images: (await images.list()).map(imageItem),
      })),
    ],
    [
      at("ImageStatus"),
      serve(cri.ImageStatusRequest, cri.ImageStatusResponse, async ({ image }) => {
        const found = await images.find(image?.image ?? "");
        return found ? { image: imageItem(found) } : {};
      }),
    ],
    [
      at("PullImage"),
      serve(cri.PullImageRequest, cri.PullImageResponse, async ({ image, auth }) => {
        const credentials = auth?.username ? { username: auth.username, password: auth.password ?? "" } : undefined;
        return { imageRef: await pullImage(image?.image ?? "", credentials, images, incoming) };
      }),
    ],
    ["/containerd.services.content.v1.Content/ListStatuses", async () => incoming.encode()],
    [at("ImageFsInfo"), async () => encodeImageFolder(images.folder, Date.now())],
    [
      at("RemoveImage"),
      serve(cri.RemoveImageRequest, cri.RemoveImageResponse, async ({ image }) => {
        const found = await images.find(image?.image ?? "");
        // A container's root is made of its image's files.
        if (found && !containers.list().some(({ state }) => state.imageId === found.id)) await images.remove(found.id);
        return {};
      }),
    ],
  ];
}

function imageItem({ id, names, sizeBytes, config }: StoredImage): cri.Image {
  const user = config.user.split(":")[0] ?? "";
  return {
    id,
    repoTags: [...names],
    repoDigests: [],
    size: BigInt(sizeBytes),
    ...(user === "" || /^\d+$/.test(user) ? { uid: { value: BigInt(user || 0) } } : { username: user }),
  };
}
