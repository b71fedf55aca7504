import type { TypeTable } from "../type-table.ts";

/** Volume sources and storage kinds of core/v1. Read as type-table.ts tells. */
export const volumeTypes: TypeTable = {
  "core.v1.AWSElasticBlockStoreVolumeSource": "2 fsType string;3 partition int32;4 readOnly bool;1 volumeID! string",
  "core.v1.AttachedVolume": "2 devicePath! string;1 name! string",
  "core.v1.AzureDiskVolumeSource":
    "3 cachingMode string enum:None|ReadOnly|ReadWrite;1 diskName! string;2 diskURI! string;4 fsType string;6 kind string enum:Dedicated|Managed|Shared;5 readOnly bool",
  "core.v1.AzureFilePersistentVolumeSource":
    "3 readOnly bool;1 secretName! string;4 secretNamespace string;2 shareName! string",
  "core.v1.AzureFileVolumeSource": "3 readOnly bool;1 secretName! string;2 shareName! string",
  "core.v1.CSIPersistentVolumeSource":
    "9 controllerExpandSecretRef core.v1.SecretReference;6 controllerPublishSecretRef core.v1.SecretReference;1 driver! string;4 fsType string;10 nodeExpandSecretRef core.v1.SecretReference;8 nodePublishSecretRef core.v1.SecretReference;7 nodeStageSecretRef core.v1.SecretReference;3 readOnly bool;5 volumeAttributes {}string;2 volumeHandle! string",
  "core.v1.CSIVolumeSource":
    "1 driver! string;3 fsType string;5 nodePublishSecretRef core.v1.LocalObjectReference;2 readOnly bool;4 volumeAttributes {}string",
  "core.v1.CephFSPersistentVolumeSource":
    "1 monitors! []string atomic;2 path string;6 readOnly bool;4 secretFile string;5 secretRef core.v1.SecretReference;3 user string",
  "core.v1.CephFSVolumeSource":
    "1 monitors! []string atomic;2 path string;6 readOnly bool;4 secretFile string;5 secretRef core.v1.LocalObjectReference;3 user string",
  "core.v1.CinderPersistentVolumeSource":
    "2 fsType string;3 readOnly bool;4 secretRef core.v1.SecretReference;1 volumeID! string",
  "core.v1.CinderVolumeSource":
    "2 fsType string;3 readOnly bool;4 secretRef core.v1.LocalObjectReference;1 volumeID! string",
  "core.v1.ClusterTrustBundleProjection":
    "3 labelSelector meta.v1.LabelSelector;1 name string;5 optional bool;4 path! string;2 signerName string",
  "core.v1.ConfigMapEnvSource": "1.1 name string;2 optional bool",
  "core.v1.ConfigMapNodeConfigSource":
    "5 kubeletConfigKey! string;2 name! string;1 namespace! string;4 resourceVersion string;3 uid string",
  "core.v1.ConfigMapProjection": "2 items []core.v1.KeyToPath atomic;1.1 name string;4 optional bool",
  "core.v1.ConfigMapVolumeSource":
    "3 defaultMode int32;2 items []core.v1.KeyToPath atomic;1.1 name string;4 optional bool",
  "core.v1.DownwardAPIProjection": "1 items []core.v1.DownwardAPIVolumeFile atomic",
  "core.v1.DownwardAPIVolumeFile":
    "2 fieldRef core.v1.ObjectFieldSelector;4 mode int32;1 path! string;3 resourceFieldRef core.v1.ResourceFieldSelector",
  "core.v1.DownwardAPIVolumeSource": "2 defaultMode int32;1 items []core.v1.DownwardAPIVolumeFile atomic",
  "core.v1.EmptyDirVolumeSource": "1 medium string;2 sizeLimit quantity",
  "core.v1.EphemeralVolumeSource": "1 volumeClaimTemplate core.v1.PersistentVolumeClaimTemplate",
  "core.v1.FCVolumeSource":
    "3 fsType string;2 lun int32;4 readOnly bool;1 targetWWNs []string atomic;5 wwids []string atomic",
  "core.v1.FlexPersistentVolumeSource":
    "1 driver! string;2 fsType string;5 options {}string;4 readOnly bool;3 secretRef core.v1.SecretReference",
  "core.v1.FlexVolumeSource":
    "1 driver! string;2 fsType string;5 options {}string;4 readOnly bool;3 secretRef core.v1.LocalObjectReference",
  "core.v1.FlockerVolumeSource": "1 datasetName string;2 datasetUUID string",
  "core.v1.GCEPersistentDiskVolumeSource": "2 fsType string;3 partition int32;1 pdName! string;4 readOnly bool",
  "core.v1.GitRepoVolumeSource": "3 directory string;1 repository! string;2 revision string",
  "core.v1.GlusterfsPersistentVolumeSource":
    "1 endpoints! string;4 endpointsNamespace string;2 path! string;3 readOnly bool",
  "core.v1.GlusterfsVolumeSource": "1 endpoints! string;2 path! string;3 readOnly bool",
  "core.v1.HostPathVolumeSource":
    "1 path! string;2 type string enum:|BlockDevice|CharDevice|Directory|DirectoryOrCreate|File|FileOrCreate|Socket",
  "core.v1.ISCSIPersistentVolumeSource":
    "8 chapAuthDiscovery bool;11 chapAuthSession bool;5 fsType string;12 initiatorName string;2 iqn! string;4 iscsiInterface string;3 lun! int32;7 portals []string atomic;6 readOnly bool;10 secretRef core.v1.SecretReference;1 targetPortal! string",
  "core.v1.ISCSIVolumeSource":
    "8 chapAuthDiscovery bool;11 chapAuthSession bool;5 fsType string;12 initiatorName string;2 iqn! string;4 iscsiInterface string;3 lun! int32;7 portals []string atomic;6 readOnly bool;10 secretRef core.v1.LocalObjectReference;1 targetPortal! string",
  "core.v1.ImageVolumeSource": "2 pullPolicy string enum:Always|IfNotPresent|Never;1 reference string",
  "core.v1.ImageVolumeStatus": "1 imageRef! string",
  "core.v1.KeyToPath": "1 key! string;3 mode int32;2 path! string",
  "core.v1.LocalVolumeSource": "2 fsType string;1 path! string",
  "core.v1.ModifyVolumeStatus":
    "2 status! string enum:InProgress|Infeasible|Pending;1 targetVolumeAttributesClassName string",
  "core.v1.NFSVolumeSource": "2 path! string;3 readOnly bool;1 server! string",
  "core.v1.NodeConfigSource": "2 configMap core.v1.ConfigMapNodeConfigSource",
  "core.v1.NodeSelector": "atomic;1 nodeSelectorTerms! []core.v1.NodeSelectorTerm atomic",
  "core.v1.NodeSelectorRequirement":
    "1 key! string;2 operator! string enum:DoesNotExist|Exists|Gt|In|Lt|NotIn;3 values []string atomic",
  "core.v1.NodeSelectorTerm":
    "atomic;1 matchExpressions []core.v1.NodeSelectorRequirement atomic;2 matchFields []core.v1.NodeSelectorRequirement atomic",
  "core.v1.PersistentVolume":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec core.v1.PersistentVolumeSpec value;3 status core.v1.PersistentVolumeStatus value",
  "core.v1.PersistentVolumeClaim":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec core.v1.PersistentVolumeClaimSpec value;3 status core.v1.PersistentVolumeClaimStatus value",
  "core.v1.PersistentVolumeClaimCondition":
    "3 lastProbeTime time;4 lastTransitionTime time;6 message string;5 reason string;2 status! string;1 type! string",
  "core.v1.PersistentVolumeClaimSpec":
    "1 accessModes []string atomic;7 dataSource core.v1.TypedLocalObjectReference;8 dataSourceRef core.v1.TypedObjectReference;2 resources core.v1.VolumeResourceRequirements value;4 selector meta.v1.LabelSelector;5 storageClassName string;9 volumeAttributesClassName string;6 volumeMode string enum:Block|Filesystem;3 volumeName string",
  "core.v1.PersistentVolumeClaimStatus":
    "2 accessModes []string atomic;7 allocatedResourceStatuses {}string granular;5 allocatedResources {}quantity;3 capacity {}quantity;4 conditions []core.v1.PersistentVolumeClaimCondition merge:type map;8 currentVolumeAttributesClassName string;9 modifyVolumeStatus core.v1.ModifyVolumeStatus;1 phase string enum:Bound|Lost|Pending",
  "core.v1.PersistentVolumeClaimTemplate":
    "1 metadata meta.v1.ObjectMeta value;2 spec! core.v1.PersistentVolumeClaimSpec value",
  "core.v1.PersistentVolumeClaimVolumeSource": "1 claimName! string;2 readOnly bool",
  "core.v1.PersistentVolumeSpec":
    "3 accessModes []string atomic;2.2 awsElasticBlockStore core.v1.AWSElasticBlockStoreVolumeSource;2.16 azureDisk core.v1.AzureDiskVolumeSource;2.13 azureFile core.v1.AzureFilePersistentVolumeSource;1 capacity {}quantity;2.9 cephfs core.v1.CephFSPersistentVolumeSource;2.8 cinder core.v1.CinderPersistentVolumeSource;4 claimRef core.v1.ObjectReference granular;2.22 csi core.v1.CSIPersistentVolumeSource;2.10 fc core.v1.FCVolumeSource;2.12 flexVolume core.v1.FlexPersistentVolumeSource;2.11 flocker core.v1.FlockerVolumeSource;2.1 gcePersistentDisk core.v1.GCEPersistentDiskVolumeSource;2.4 glusterfs core.v1.GlusterfsPersistentVolumeSource;2.3 hostPath core.v1.HostPathVolumeSource;2.7 iscsi core.v1.ISCSIPersistentVolumeSource;2.20 local core.v1.LocalVolumeSource;7 mountOptions []string atomic;2.5 nfs core.v1.NFSVolumeSource;9 nodeAffinity core.v1.VolumeNodeAffinity;5 persistentVolumeReclaimPolicy string enum:Delete|Recycle|Retain;2.17 photonPersistentDisk core.v1.PhotonPersistentDiskVolumeSource;2.18 portworxVolume core.v1.PortworxVolumeSource;2.15 quobyte core.v1.QuobyteVolumeSource;2.6 rbd core.v1.RBDPersistentVolumeSource;2.19 scaleIO core.v1.ScaleIOPersistentVolumeSource;6 storageClassName string;2.21 storageos core.v1.StorageOSPersistentVolumeSource;10 volumeAttributesClassName string;8 volumeMode string enum:Block|Filesystem;2.14 vsphereVolume core.v1.VsphereVirtualDiskVolumeSource",
  "core.v1.PersistentVolumeStatus":
    "4 lastPhaseTransitionTime time;2 message string;1 phase string enum:Available|Bound|Failed|Pending|Released;3 reason string",
  "core.v1.PhotonPersistentDiskVolumeSource": "2 fsType string;1 pdID! string",
  "core.v1.PodCertificateProjection":
    "6 certificateChainPath string;4 credentialBundlePath string;5 keyPath string;2 keyType! string;3 maxExpirationSeconds int32;1 signerName! string;7 userAnnotations {}string",
  "core.v1.PortworxVolumeSource": "2 fsType string;3 readOnly bool;1 volumeID! string",
  "core.v1.ProjectedVolumeSource": "2 defaultMode int32;1 sources []core.v1.VolumeProjection atomic",
  "core.v1.QuobyteVolumeSource":
    "5 group string;3 readOnly bool;1 registry! string;6 tenant string;4 user string;2 volume! string",
  "core.v1.RBDPersistentVolumeSource":
    "3 fsType string;2 image! string;6 keyring string;1 monitors! []string atomic;4 pool string;8 readOnly bool;7 secretRef core.v1.SecretReference;5 user string",
  "core.v1.RBDVolumeSource":
    "3 fsType string;2 image! string;6 keyring string;1 monitors! []string atomic;4 pool string;8 readOnly bool;7 secretRef core.v1.LocalObjectReference;5 user string",
  "core.v1.ScaleIOPersistentVolumeSource":
    "9 fsType string;1 gateway! string;5 protectionDomain string;10 readOnly bool;3 secretRef! core.v1.SecretReference;4 sslEnabled bool;7 storageMode string;6 storagePool string;2 system! string;8 volumeName string",
  "core.v1.ScaleIOVolumeSource":
    "9 fsType string;1 gateway! string;5 protectionDomain string;10 readOnly bool;3 secretRef! core.v1.LocalObjectReference;4 sslEnabled bool;7 storageMode string;6 storagePool string;2 system! string;8 volumeName string",
  "core.v1.SecretEnvSource": "1.1 name string;2 optional bool",
  "core.v1.SecretProjection": "2 items []core.v1.KeyToPath atomic;1.1 name string;4 optional bool",
  "core.v1.SecretVolumeSource":
    "3 defaultMode int32;2 items []core.v1.KeyToPath atomic;4 optional bool;1 secretName string",
  "core.v1.ServiceAccountTokenProjection": "1 audience string;2 expirationSeconds int64;3 path! string",
  "core.v1.StorageOSPersistentVolumeSource":
    "3 fsType string;4 readOnly bool;5 secretRef core.v1.ObjectReference;1 volumeName string;2 volumeNamespace string",
  "core.v1.StorageOSVolumeSource":
    "3 fsType string;4 readOnly bool;5 secretRef core.v1.LocalObjectReference;1 volumeName string;2 volumeNamespace string",
  "core.v1.Volume":
    "2.4 awsElasticBlockStore core.v1.AWSElasticBlockStoreVolumeSource;2.22 azureDisk core.v1.AzureDiskVolumeSource;2.18 azureFile core.v1.AzureFileVolumeSource;2.14 cephfs core.v1.CephFSVolumeSource;2.13 cinder core.v1.CinderVolumeSource;2.19 configMap core.v1.ConfigMapVolumeSource;2.28 csi core.v1.CSIVolumeSource;2.16 downwardAPI core.v1.DownwardAPIVolumeSource;2.2 emptyDir core.v1.EmptyDirVolumeSource;2.29 ephemeral core.v1.EphemeralVolumeSource;2.17 fc core.v1.FCVolumeSource;2.12 flexVolume core.v1.FlexVolumeSource;2.15 flocker core.v1.FlockerVolumeSource;2.3 gcePersistentDisk core.v1.GCEPersistentDiskVolumeSource;2.5 gitRepo core.v1.GitRepoVolumeSource;2.9 glusterfs core.v1.GlusterfsVolumeSource;2.1 hostPath core.v1.HostPathVolumeSource;2.30 image core.v1.ImageVolumeSource;2.8 iscsi core.v1.ISCSIVolumeSource;1 name! string;2.7 nfs core.v1.NFSVolumeSource;2.10 persistentVolumeClaim core.v1.PersistentVolumeClaimVolumeSource;2.23 photonPersistentDisk core.v1.PhotonPersistentDiskVolumeSource;2.24 portworxVolume core.v1.PortworxVolumeSource;2.26 projected core.v1.ProjectedVolumeSource;2.21 quobyte core.v1.QuobyteVolumeSource;2.11 rbd core.v1.RBDVolumeSource;2.25 scaleIO core.v1.ScaleIOVolumeSource;2.6 secret core.v1.SecretVolumeSource;2.27 storageos core.v1.StorageOSVolumeSource;2.20 vsphereVolume core.v1.VsphereVirtualDiskVolumeSource",
  "core.v1.VolumeDevice": "2 devicePath! string;1 name! string",
  "core.v1.VolumeMount":
    "3 mountPath! string;5 mountPropagation string enum:Bidirectional|HostToContainer|None;1 name! string;2 readOnly bool;7 recursiveReadOnly string;4 subPath string;6 subPathExpr string",
  "core.v1.VolumeMountStatus":
    "2 mountPath! string;1 name! string;3 readOnly bool;4 recursiveReadOnly string;5 volumeStatus core.v1.VolumeStatus",
  "core.v1.VolumeNodeAffinity": "1 required core.v1.NodeSelector",
  "core.v1.VolumeProjection":
    "5 clusterTrustBundle core.v1.ClusterTrustBundleProjection;3 configMap core.v1.ConfigMapProjection;2 downwardAPI core.v1.DownwardAPIProjection;6 podCertificate core.v1.PodCertificateProjection;1 secret core.v1.SecretProjection;4 serviceAccountToken core.v1.ServiceAccountTokenProjection",
  "core.v1.VolumeResourceRequirements": "1 limits {}quantity;2 requests {}quantity",
  "core.v1.VolumeStatus": "1 image core.v1.ImageVolumeStatus",
  "core.v1.VsphereVirtualDiskVolumeSource":
    "2 fsType string;4 storagePolicyID string;3 storagePolicyName string;1 volumePath! string",
};
