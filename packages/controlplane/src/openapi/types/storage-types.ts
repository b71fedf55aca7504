import type { TypeTable } from "../type-table.ts";

/** Types of storage classes, CSI drivers and attachments. */
export const storageTypes: TypeTable = {
  "core.v1.TopologySelectorLabelRequirement": "1 key! string;2 values! []string atomic",
  "core.v1.TopologySelectorTerm": "atomic;1 matchLabelExpressions []core.v1.TopologySelectorLabelRequirement atomic",
  "storage.v1.CSIDriver":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec! storage.v1.CSIDriverSpec value",
  "storage.v1.CSIDriverSpec":
    "1 attachRequired bool;5 fsGroupPolicy string;9 nodeAllocatableUpdatePeriodSeconds int64;2 podInfoOnMount bool;11 preventPodSchedulingIfMissing bool;7 requiresRepublish bool;8 seLinuxMount bool;10 serviceAccountTokenInSecrets bool;4 storageCapacity bool;6 tokenRequests []storage.v1.TokenRequest atomic;3 volumeLifecycleModes []string set",
  "storage.v1.CSINode":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec! storage.v1.CSINodeSpec value",
  "storage.v1.CSINodeDriver":
    "4 allocatable storage.v1.VolumeNodeResources;1 name! string;2 nodeID! string;3 topologyKeys []string atomic",
  "storage.v1.CSINodeSpec": "1 drivers! []storage.v1.CSINodeDriver merge:name map",
  "storage.v1.CSIStorageCapacity":
    "- apiVersion string;4 capacity quantity;- kind string;5 maximumVolumeSize quantity;1 metadata meta.v1.ObjectMeta value;2 nodeTopology meta.v1.LabelSelector;3 storageClassName! string",
  "storage.v1.StorageClass":
    "6 allowVolumeExpansion bool;8 allowedTopologies []core.v1.TopologySelectorTerm atomic;- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;5 mountOptions []string atomic;3 parameters {}string;2 provisioner! string;4 reclaimPolicy string enum:Delete|Recycle|Retain;7 volumeBindingMode string enum:Immediate|WaitForFirstConsumer",
  "storage.v1.TokenRequest": "1 audience! string;2 expirationSeconds int64",
  "storage.v1.VolumeAttachment":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec! storage.v1.VolumeAttachmentSpec value;3 status storage.v1.VolumeAttachmentStatus value",
  "storage.v1.VolumeAttachmentSource": "2 inlineVolumeSpec core.v1.PersistentVolumeSpec;1 persistentVolumeName string",
  "storage.v1.VolumeAttachmentSpec":
    "1 attacher! string;3 nodeName! string;2 source! storage.v1.VolumeAttachmentSource value",
  "storage.v1.VolumeAttachmentStatus":
    "3 attachError storage.v1.VolumeError;1 attached! bool;2 attachmentMetadata {}string;4 detachError storage.v1.VolumeError",
  "storage.v1.VolumeAttributesClass":
    "- apiVersion string;2 driverName! string;- kind string;1 metadata meta.v1.ObjectMeta value;3 parameters {}string",
  "storage.v1.VolumeError": "3 errorCode int32;2 message string;1 time time",
  "storage.v1.VolumeNodeResources": "1 count int32",
};
